-- as: superuser
-- Large objects of the owner; sequences as the contract has them, and one that others may set.
do $$
begin
  perform lo_from_bytea(700001, 'nobody''s letter');
  if to_regrole('h605_import') is null then
    create role h605_import nologin;
  end if;
  grant select on large object 700001 to h605_import;
end
$$;
create sequence public.bill_numbers;
grant usage, select on sequence public.bill_numbers to app_user;
grant usage, select, update on sequence public.bill_numbers to h605_import;
create schema counters;
create sequence counters.visits;
grant all on sequence counters.visits to app_user;
