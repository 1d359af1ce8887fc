-- code: H505
-- name: guard-foreign-tables
-- title: No tenant role reaches rows through a foreign server
-- severity: high
-- kind: catalogue
-- uses: confined_roles, tenant_tables, model
-- sources: bypass catalogue row 38; https://www.postgresql.org/docs/current/postgres-fdw.html;
--   https://www.postgresql.org/docs/current/contrib-dblink-connect.html
-- A foreign table can't have row security, and on the other side every tenant is the one user of the mapping.
-- a mapping for the role or for everybody; without one postgres_fdw and dblink refuse, others (file_fdw) need none
with servers as materialized (
  select s.oid, s.srvname, s.srvowner, s.srvacl,
         exists (select from pg_catalog.pg_user_mappings m
                  where m.srvid = s.oid and (m.umuser = 0 or m.umuser in (select oid from confined_roles))) as mapped,
         exists (select from pg_catalog.pg_user_mappings m where m.srvid = s.oid and m.umuser = 0) as mapped_to_all,
         h.proname in ('postgres_fdw_handler', 'oracle_fdw_handler', 'mysql_fdw_handler')
           or h.proname is null as wants_mapping
    from pg_catalog.pg_foreign_server s
    join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
    left join pg_catalog.pg_proc h on h.oid = w.fdwhandler
),
-- functions of dblink that connect by a server's name, or as the server's OS user without a password
links as materialized (
  select r.role, p.oid,
         format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as function,
         p.proname = 'dblink_connect_u' as unchecked
    from pg_catalog.pg_extension e
    join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid
                               and d.classid = 'pg_catalog.pg_proc'::regclass and d.deptype = 'e'
    join pg_catalog.pg_proc p
      on p.oid = d.objid and p.proname in ('dblink', 'dblink_connect', 'dblink_connect_u', 'dblink_exec')
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
   cross join confined_roles r
   where e.extname = 'dblink'
     and has_schema_privilege(r.oid, p.pronamespace, 'USAGE') and has_function_privilege(r.oid, p.oid, 'EXECUTE')
),
foreign_tables as (
  select format('%I.%I', n.nspname, c.relname) as object, c.oid, c.relowner, s.srvname, x.role, x.privileges, x.reads,
         s.mapped or not s.wants_mapping as works,
         exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                    and a.attname in (select tenant_column from tenant_tables)) as tenants_rows
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid
    join servers s on s.oid = f.ftserver
   cross join model
    left join lateral (select r.role, string_agg(lower(p.privilege), ', ' order by p.place) as privileges,
                       bool_or(p.privilege = 'SELECT') as reads
                         from confined_roles r
                        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) with ordinality
                              as p (privilege, place)
                        where has_schema_privilege(r.oid, n.oid, 'USAGE')
                          and case p.privilege when 'DELETE' then has_table_privilege(r.oid, c.oid, p.privilege)
                                               else has_any_column_privilege(r.oid, c.oid, p.privilege) end
                        group by r.role order by r.role limit 1) as x on true
   where c.relkind = 'f'
     and not (model -> 'exempt') ? (n.nspname || '.' || c.relname)
)
select t.object, case when t.role is null then 'pass' else 'fail' end as outcome,
       case when t.role is null then 'no tenant role reaches it'
            when not t.works
            then format('%I has %s on it, and needs no more than a user mapping for server %I to reach all of its rows',
                        t.role, t.privileges, t.srvname)
            else format('%I has %s on all of its rows: a foreign table can''t have row security', t.role,
                        t.privileges) end as detail,
       case when t.role is null then null
            when t.reads
            then format(
                E'begin;\nset local role %I;\nselect count(*) from %s;  -- expected: permission denied\nrollback;',
                t.role, t.object)
            else format(
                'select has_any_column_privilege(%L, %L, ''INSERT, UPDATE'') or has_table_privilege(%1$L, %2$L, '
                '''DELETE'');  -- expected: f', t.role, t.object) end as evidence,
       case when t.role is not null
            then format('revoke all on table %s from %s;', t.object, coalesce(g.names, quote_ident(t.role))) end as fix,
       -- where nothing says that there are rows of tenants in it, or the role can't connect yet
       case when t.role is not null and not (t.works and t.tenants_rows) then 'medium' end as severity
  from foreign_tables t
  left join lateral (select string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(k.rolname) end,
                                       ', ') as names
                       from (select a.grantee from pg_catalog.pg_class c, aclexplode(c.relacl) as a where c.oid = t.oid
                              union
                             select a.grantee from pg_catalog.pg_attribute c, aclexplode(c.attacl) as a
                              where c.attrelid = t.oid) as a
                       left join pg_catalog.pg_roles k on k.oid = a.grantee
                      where a.grantee <> t.relowner
                        and (a.grantee = 0
                             or exists (select from confined_roles r where pg_has_role(r.oid, a.grantee, 'USAGE'))))
                                as g
    on t.role is not null
 union all
-- a user mapping for everybody
select format('server %I', s.srvname), case when s.mapped_to_all then 'fail' else 'pass' end,
       case when not s.mapped_to_all then 'has no user mapping for PUBLIC'
            when u.role is not null
            then format('%I may use it with the user mapping for PUBLIC, and sends it any statement', u.role)
            else 'its user mapping is for PUBLIC: whoever gets a privilege on a foreign table connects with it' end,
       case when s.mapped_to_all
            then format(
                'select srvname, usename from pg_user_mappings where srvname = %L and umuser = 0;  -- expected: no row',
                s.srvname) end,
       case when s.mapped_to_all then format('drop user mapping for public server %I;', s.srvname) end,
       case when s.mapped_to_all and u.role is null then 'medium' end
  from servers s
  -- by the server's name through dblink, or with a foreign table of one's own
  left join lateral (select r.role from confined_roles r
                      where has_server_privilege(r.oid, s.oid, 'USAGE')
                        and (exists (select from links l where l.role = r.role)
                             or exists (select from pg_catalog.pg_namespace n
                                         where n.nspname !~ '^pg_toast'
                                           and has_schema_privilege(r.oid, n.oid, 'CREATE')))
                      order by r.role limit 1) as u on s.mapped_to_all
 union all
select case when l.unchecked then 'dblink_connect_u' else 'dblink' end, 'fail',
       case when l.unchecked
            then format(
                '%I may connect to any server, this one too, as whatever role needs no password from the server''s OS '
                'user', min(l.role))
            else format('%I may open connections from the server, with a password that it knows', min(l.role)) end,
       format('select has_function_privilege(%L, %L, ''EXECUTE'');  -- expected: f', min(l.role), min(l.function)),
       string_agg(distinct format('revoke execute on function %s from %s;', l.function,
                                  coalesce(g.names, quote_ident(l.role))), E'\n'),
       case when not l.unchecked then 'low' end
  from links l
  left join lateral (select string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(k.rolname) end,
                                       ', ') as names
                       from pg_catalog.pg_proc p
                      cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
                       left join pg_catalog.pg_roles k on k.oid = a.grantee
                      where p.oid = l.oid and a.grantee <> p.proowner
                        and (a.grantee = 0
                             or exists (select from confined_roles r where pg_has_role(r.oid, a.grantee, 'USAGE'))))
                                as g on true
 group by l.unchecked
