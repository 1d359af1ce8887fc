-- Where no tenant role may make temporary tables, functions that do so are the owner's business.
create function public.report() returns bigint language plpgsql set search_path = ''
as $$
begin
  create temp table if not exists report_rows (n bigint);
  return (select count(*) from pg_temp.report_rows);
end
$$;
revoke execute on function public.report() from public;
-- a name and a comment are no statement
create function public.temporary_table() returns text language sql stable set search_path = ''
as $$ select 'temp' /* create temp table t (id int) */ $$;
-- whoever runs reports makes them, and is no tenant
do $$
begin
  if to_regrole('h112_reports') is null then
    create role h112_reports nologin;
  end if;
  execute format('grant temporary on database %I to h112_reports', current_database());
end
$$;
