-- uses: this_database
-- Every search_path that is set anywhere, and the one that sessions have otherwise.
search_paths as materialized (
  select substring(c.setting, 13) as path, s.setrole as reader,
         case when s.setrole = 0 then 'the search_path of the database'
              else format('the search_path of %I', r.rolname) end as whose, 'high' as severity
    from pg_catalog.pg_db_role_setting s
   cross join this_database d
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
         format('the search_path of %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
         case when p.prosecdef then 'high' else 'medium' end
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   cross join lateral unnest(p.proconfig) as c (setting)
   where p.oid >= 16384 and c.setting like 'search\_path=%'
     and not exists (select from pg_catalog.pg_depend e
                      where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
)
