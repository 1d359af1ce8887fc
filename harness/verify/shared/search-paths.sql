-- Every search_path that is set anywhere, and the one that sessions have otherwise.
paths as materialized (
  select substring(c.setting, 13) as path, s.setrole as reader,
         case when s.setrole = 0 then 'the search_path of the database' else format('the search_path of %I', r.rolname) end as whose, 'high' as severity
    from pg_catalog.pg_db_role_setting s
   cross join database d
   cross join lateral unnest(s.setconfig) as c (setting)
    left join pg_catalog.pg_roles r on r.oid = s.setrole
   where c.setting like 'search\_path=%' and s.setdatabase in (0, d.oid)
  union all
  select g.reset_val, 0, 'everybody''s search_path', 'high' from pg_catalog.pg_settings g where g.name = 'search_path'
  union all
  -- the server's default, which no setting of this login's own hides
  select g.boot_val, 0, 'everybody''s search_path', 'high' from pg_catalog.pg_settings g where g.name = 'search_path'
  union all
  select substring(c.setting, 13), case when p.prosecdef then p.proowner else 0 end,
         format('the search_path of %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), case when p.prosecdef then 'high' else 'medium' end
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   cross join lateral unnest(p.proconfig) as c (setting)
   where p.oid >= 16384 and c.setting like 'search\_path=%'
     and not exists (select from pg_catalog.pg_depend e where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
),
named as materialized (
  select n.oid, n.nspname, p.reader, p.whose, p.severity
    from (select distinct path, reader, whose, severity from paths) as p
   cross join lateral regexp_matches(p.path, '"((?:[^"]|"")*)"|([^\s,"]+)', 'g') as m (name)
    join pg_catalog.pg_namespace n on n.nspname = coalesce(replace(m.name[1], '""', '"'), lower(m.name[2]))
  union
  -- "$user" is the schema named like whoever is asking
  select n.oid, n.nspname, r.oid, format('the search_path of %I', r.rolname), 'high'
    from (select 1 from paths where path ~ '\$user') as u
   cross join pg_catalog.pg_namespace n
    join pg_catalog.pg_roles r on r.rolname = n.nspname
  union
  -- not by a path, but by its name: what fits better is called there too
  select n.oid, n.nspname, 0, format('%I holds functions of %I', n.nspname, min(o.rolname)), 'medium'
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_roles o on o.oid = p.proowner
   where p.oid >= 16384 and p.proowner not in (select oid from guises)
   group by n.oid, n.nspname
),
schemas as materialized (
  select n.oid, n.nspname, n.nspowner, n.nspacl
    from pg_catalog.pg_namespace n
   where n.nspname !~ '^pg_(toast|temp)' and n.nspname not in ('pg_catalog', 'information_schema')
),
sharing as (
  select not (model ->> 'expression' ~* '\m(current_user|session_user|current_role)\M'
              or (select count(*) > 1 from schemas s join tenant_roles t on t.role = s.nspname)) as shared
    from model
),
