-- uses: search_paths, tenant_guises
-- The schemas in which somebody looks names up without saying where.
schemas_looked_in as materialized (
  select n.oid, n.nspname, p.reader, p.whose, p.severity
    from (select distinct path, reader, whose, severity from search_paths) as p
   cross join lateral regexp_matches(p.path, '"((?:[^"]|"")*)"|([^\s,"]+)', 'g') as m (name)
    join pg_catalog.pg_namespace n on n.nspname = coalesce(replace(m.name[1], '""', '"'), lower(m.name[2]))
  union
  -- "$user" is the schema named like whoever is asking
  select n.oid, n.nspname, r.oid, format('the search_path of %I', r.rolname), 'high'
    from (select 1 from search_paths where path ~ '\$user') as u
   cross join pg_catalog.pg_namespace n
    join pg_catalog.pg_roles r on r.rolname = n.nspname
  union
  -- not by a path, but by its name: what fits better is called there too
  select n.oid, n.nspname, 0, format('%I holds functions of %I', n.nspname, min(o.rolname)), 'medium'
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_roles o on o.oid = p.proowner
   where p.oid >= 16384 and p.proowner not in (select oid from tenant_guises)
   group by n.oid, n.nspname
)
