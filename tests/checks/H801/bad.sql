-- as: superuser
-- A server of 15.2, and a cluster that was made before CVE-2024-4317 was fixed.
do $$
declare
  name text;
begin
  execute format('alter database %I set harness.assume_server_version = 150002', current_database());
  set local allow_system_table_mods = on;
  foreach name in array array['pg_catalog.pg_stats_ext', 'pg_catalog.pg_stats_ext_exprs'] loop
    execute format('create or replace view %s as %s', name,
      regexp_replace(pg_get_viewdef(name::regclass), 'pg_has_role\(c\.relowner, ''USAGE''::text\)', 'true'));
  end loop;
end
$$;
create statistics public.words (mcv) on tenant_id, body from public.notes;
