-- code: H207
-- name: refuse-table-powers
-- title: No tenant role has TRIGGER, REFERENCES or MAINTAIN on a table
-- severity: high
-- kind: probe
-- uses: tenant_roles, model
-- sources: bypass catalogue row 39; https://www.postgresql.org/docs/current/ddl-priv.html
-- None of them knows rows. A trigger runs as whoever writes to the table next, jobs and owners among them; its function
-- may be one of pg_temp, so that TEMPORARY on the database is enough to make it.
with powers as materialized (
  select p.privilege, p.place
    from unnest(case when current_setting('server_version_num')::int >= 170000
                     then array['TRIGGER', 'REFERENCES', 'MAINTAIN']
                     else array['TRIGGER', 'REFERENCES'] end) with ordinality as p (privilege, place)
),
-- what it takes to make use of them: somewhere to create a function, or a table
roles as materialized (
  select t.role, k.oid, m.schemas, m.schemas
         or has_database_privilege(k.oid, current_database(), 'TEMPORARY') as functions
    from tenant_roles t
    join pg_catalog.pg_roles k on k.rolname = t.role and not k.rolsuper
   cross join lateral (select exists (select from pg_catalog.pg_namespace n
                                       where n.nspname !~ '^pg_'
                                         and has_schema_privilege(k.oid, n.oid, 'CREATE')) as schemas) as m
   -- what comes from a role that escapes row security is 4a's
   where not exists (select from pg_catalog.pg_roles s
                      where (s.rolsuper or s.rolbypassrls) and s.oid <> k.oid and pg_has_role(k.oid, s.oid, 'MEMBER'))
),
tables as materialized (
  select c.oid, c.relowner, c.relacl, format('%I.%I', n.nspname, c.relname) as object
    from model
   cross join lateral jsonb_array_elements_text(model -> 'schemas') as s (name)
    join pg_catalog.pg_namespace n on n.nspname = s.name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
   where not (model -> 'exempt') ? (n.nspname || '.' || c.relname)
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
)
select t.object, case when x.role is null then 'pass' else 'fail' end as outcome,
       case when x.role is null then 'no tenant role has them'
            when x.held && array['TRIGGER']
                 and x.functions
                 then format(
                     '%I has %s: it can put a function of its own on the table, which runs as whoever writes to it',
                     x.role, x.names)
            when x.held && array['TRIGGER']
            then format('%I has %s: it can make existing functions run as whoever writes to the table', x.role, x.names)
            when x.held && array['REFERENCES']
            then format('%I has %s: a foreign key to the table finds out keys of all tenants and blocks their deletion',
                        x.role, x.names)
            else format('%I has %s: it can lock and rewrite the table of every tenant', x.role, x.names) end as detail,
       case when x.role is not null
            then (select string_agg(format('select has_%s_privilege(%L, %L, %L);  -- expected: f',
                                           case p when 'REFERENCES' then 'any_column' else 'table' end, x.role,
                                           t.object, p), E'\n')
                    from unnest(x.held) as p) end as evidence,
       case when x.role is not null
            then format('revoke %s on table %s from %s;',
                        (select lower(string_agg(privilege, ', ' order by place)) from powers), t.object,
                        coalesce(g.names, quote_ident(x.role))) end as fix,
       case when x.role is null or x.held && array['TRIGGER'] and x.functions then null
            when x.held && array['TRIGGER'] or x.held && array['REFERENCES'] and x.schemas then 'medium'
            else 'low' end as severity
  from tables t
  left join lateral (select r.role, r.functions, r.schemas, array_agg(p.privilege order by p.place) as held,
                     string_agg(p.privilege, ', ' order by p.place) as names
                       from roles r
                      cross join powers p
                      where case p.privilege when 'REFERENCES' then has_any_column_privilege(r.oid, t.oid, p.privilege)
                                             else has_table_privilege(r.oid, t.oid, p.privilege) end
                        and not pg_has_role(r.oid, t.relowner, 'USAGE')  -- an owner has them, and can't lose them
                      group by r.role, r.functions, r.schemas
                      order by min(p.place), r.role limit 1) as x on true
  left join lateral (select string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(k.rolname) end,
                                       ', ') as names
                       from (select a.grantee, a.privilege_type
                               from aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) as a
                              union
                             select a.grantee, a.privilege_type from pg_catalog.pg_attribute c,
                                    aclexplode(c.attacl) as a where c.attrelid = t.oid) as a
                       left join pg_catalog.pg_roles k on k.oid = a.grantee
                      where a.privilege_type in (select privilege from powers)
                        and (a.grantee = 0
                             or exists (select from roles r where pg_has_role(r.oid, a.grantee, 'USAGE')))) as g
                             on x.role is not null
 order by t.object
