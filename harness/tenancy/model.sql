-- The tenant tables of a database, as the configuration describes them.
-- $1: the `isolation` part of harness.config.json. One row: the tables as JSON, and what the server is.
with config as (
  select $1::jsonb as c
),
relations as (
  select r.oid,
         format('%I.%I', n.nspname, r.relname) as relation,
         n.nspname || '.' || r.relname as plain_name,
         r.relkind
    from pg_catalog.pg_class r
    join pg_catalog.pg_namespace n on n.oid = r.relnamespace
   cross join config
   where r.relkind in ('r', 'p')
     and n.nspname in (select jsonb_array_elements_text(c -> 'schemas'))
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = r.oid and d.deptype = 'e')
),
tenant_tables as (
  select r.oid, r.relation, r.plain_name, r.relkind, a.attname as tenant_column,
         pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
         t.typcategory as category, a.atttypid = 'uuid'::regtype as is_uuid
    from relations r
   cross join config
    join pg_catalog.pg_attribute a
      on a.attrelid = r.oid
     and a.attname = coalesce(c -> 'tables' -> r.plain_name ->> 'tenantColumn', c ->> 'tenantColumn')
     and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type t on t.oid = a.atttypid
   where not (c -> 'exempt') ? r.plain_name
)
select pg_catalog.current_database() as database,
       current_user as "user",
       current_setting('server_version') as "serverVersion",
       (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser,
       pg_catalog.pg_is_in_recovery() as "inRecovery",
       case when exists (select from pg_catalog.pg_roles where rolname = 'neon_superuser') then 'neon'
            when exists (select from pg_catalog.pg_roles where rolname = 'supabase_admin') then 'supabase'
            else 'plain' end as flavor,
       coalesce((select jsonb_agg(jsonb_build_object(
                          'oid', oid::text, 'relation', relation, 'tenantColumn', tenant_column, 'type', type,
                          -- two tenants that no database has: whatever they see or change is a stranger's
                          'own', case when is_uuid then '00000000-0000-4000-8000-00000000000a'
                                      when category = 'N' then '32001' else 'harness-tenant-a' end,
                          'other', case when is_uuid then '00000000-0000-4000-8000-00000000000b'
                                        when category = 'N' then '32002' else 'harness-tenant-b' end)
                        order by relation)
                   from tenant_tables), '[]') as tables,
       coalesce((select jsonb_agg(key order by key) from config, jsonb_object_keys(c -> 'tables') as key
                  where key not in (select plain_name from tenant_tables)), '[]') as "missingTables"
