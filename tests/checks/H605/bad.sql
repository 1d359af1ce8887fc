-- as: superuser
-- Owned by the tenant role, granted to it, and open to everybody: whatever the setting says.
do $$
declare
  number oid;
begin
  perform lo_from_bytea(700001, 'one''s letter');
  grant select on large object 700001 to app_user;
  perform lo_from_bytea(700002, 'two''s letter');
  grant select, update on large object 700002 to public;
  perform lo_from_bytea(700003, 'three''s letter');
  alter large object 700003 owner to app_user;
  execute format('alter database %I set lo_compat_privileges = on', current_database());
end
$$;
create sequence public.bill_numbers;
create sequence public."Order; --";
grant usage, select, update on sequence public.bill_numbers to app_user;
grant all on sequence public."Order; --" to public;
