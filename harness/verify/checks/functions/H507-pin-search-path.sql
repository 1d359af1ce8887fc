-- code: H507
-- name: pin-search-path
-- title: A SECURITY DEFINER function that a tenant role can call fixes its search_path
-- severity: low
-- kind: catalogue
-- uses: tenant_roles
-- sources: bypass catalogue row 35;
--   https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
with tenants as materialized (
  select k.oid, r.role, has_database_privilege(k.oid, current_database(), 'TEMP') as temporary,
         to_regnamespace('public') is not null and has_schema_privilege(k.oid, 'public', 'CREATE') as creates
    from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
   where not k.rolsuper and not k.rolbypassrls  -- 4a
)
select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as object,
       case when pinned.yes then 'pass' else 'fail' end as outcome,
       case when pinned.body then 'its names were looked up when it was made'
            when pinned.yes then 'search_path is fixed'
            else format('it runs as %I and looks names up in the search_path of %s: whoever calls it chooses %s',
                        o.rolname, t.role,
                        case when t.creates then 'the tables and functions that it finds'
                             when t.temporary then 'the tables that it finds' else 'the order' end) end as detail,
       case when not pinned.yes
            then format('select oid::regprocedure, prosecdef, proconfig from pg_proc where oid = %L::regprocedure;',
                        p.oid::regprocedure) end as evidence,
       -- the schema of its own first: what it was written against
       case when not pinned.yes
            then format('alter %s %I.%I(%s) set search_path = %s, pg_temp;',
                        case p.prokind when 'p' then 'procedure' else 'function' end, n.nspname, p.proname,
                                            pg_get_function_identity_arguments(p.oid),
                                            concat_ws(', ', quote_ident(n.nspname),
                                                      case when n.nspname <> 'public' then 'public' end)) end as fix,
       case when t.creates and not pinned.yes then 'medium' end as severity
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_roles o on o.oid = p.proowner
  join pg_catalog.pg_language l on l.oid = p.prolang
 cross join lateral (select pg_catalog.pg_get_function_sqlbody(p.oid) is not null
                     or l.lanname in ('c', 'internal') as body,
                            pg_catalog.pg_get_function_sqlbody(p.oid) is not null or l.lanname in ('c', 'internal')
                            or exists (select from unnest(p.proconfig) as c where c like 'search\_path=%') as yes)
                               as pinned
 cross join lateral (select min(quote_ident(t.role)) as role, bool_or(t.creates) as creates,
                     bool_or(t.temporary) as temporary
                       from tenants t
                      where has_function_privilege(t.oid, p.oid, 'EXECUTE')
                        and has_schema_privilege(t.oid, p.pronamespace, 'USAGE')) as t
 where p.prosecdef and p.oid >= 16384 and p.prokind in ('f', 'p') and t.role is not null
   and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
