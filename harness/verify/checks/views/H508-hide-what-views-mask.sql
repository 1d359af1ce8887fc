-- code: H508
-- name: hide-what-views-mask
-- title: What a view masks is not readable in the table behind it
-- severity: medium
-- kind: catalogue
-- uses: tenant_roles, tenant_views, protected_tables, contexts
-- sources: bypass catalogue row 33; https://www.postgresql.org/docs/current/sql-createview.html
-- A view with security_invoker needs its reader's SELECT on the table, so that the masked column stays readable there.
with tenants as materialized (
  select k.oid, r.role from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role where not k.rolsuper
),
-- Of every view over tenant tables: its output columns, as trees.
outputs as materialized (
  select v.oid as view, v.relation, v.relnamespace, v.rule, x.output
    from tenant_views v
    join pg_catalog.pg_rewrite r on r.oid = v.rule
   cross join lateral (select substring(s.part from '^(.*?) :resno ') as output
                         from unnest((regexp_split_to_array(r.ev_action::text, '\{TARGETENTRY :expr '))[2:])
                              as s (part)) as x
   where v.relkind = 'v' and x.output is not null
),
-- One that covers up: made of a column and of a constant of asterisks or bullets (the bytes 42, or 226 128 162), or of
-- x or # three times over.
masking as materialized (
  select distinct o.view, o.relation, o.relnamespace, c.oid as relid, a.attnum, a.attname,
         format('%I.%I', n.nspname, c.relname) as base, c.relacl, c.relowner
    from outputs o
   cross join lateral regexp_matches(o.output, '\{VAR :varno \d+ :varattno ([1-9]\d*) ', 'g') as m (attnum)
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = o.rule
                               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> o.view
                               and d.refobjsubid = m.attnum[1]::int
    join protected_tables t on t.oid = d.refobjid
    join pg_catalog.pg_class c on c.oid = t.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
   where o.output ~ ':constvalue \d+ \[(?: -?\d+)* (?:42 42|-30 -128 -94|120 120 120|88 88 88|35 35 35)(?: -?\d+)* \]'
      or o.output ~ ':constvalue \d+ \[ \d+ 0 0 0 42(?: 0)* \]'
         and o.output ~ (select format(':funcid (%s) ', string_agg(p.oid::text, '|'))
                                                                                  from pg_catalog.pg_proc p
                                                                                      where p.pronamespace
                                                                                          = 'pg_catalog'::regnamespace
                                                                                   and p.proname
                                                                                       in ('repeat', 'rpad', 'lpad'))
),
-- Not covered up if the same view shows it beside.
shown as materialized (
  select o.rule, o.view, x.n[1]::oid as relid, x.n[2]::int as attnum
    from (select distinct rule, view from outputs) as o
    join pg_catalog.pg_rewrite r on r.oid = o.rule
   cross join lateral regexp_matches(r.ev_action::text, ' :resorigtbl ([1-9]\d*) :resorigcol ([1-9]\d*) ', 'g') as x (n)
)
select m.relation as object,
       case when count(reach.role) > 0 then 'fail' else 'pass' end as outcome,
       case when count(reach.role) > 0
            then format('it masks %s of %s, which %s can read there unmasked',
                        string_agg(distinct quote_ident(m.attname), ', ') filter (where reach.role is not null),
                        min(m.base) filter (where reach.role is not null),
                        string_agg(distinct quote_ident(reach.role), ', '))
            else 'no tenant role reads the masked columns in the table' end as detail,
       min(format(E'begin;\nset local role %I;\n%s\nselect %I from %s limit 1;  -- expected: permission '
                   'denied\nrollback;', reach.role,
                  (select c.statements from contexts c where c.kind = 'tenant' order by c.ordinality limit 1),
                  m.attname, m.base)) filter (where reach.role is not null) as evidence,
       string_agg(distinct reach.fix, E'\n') as fix,
       null::text as severity
  from masking m
  left join lateral (
    select t.role,
           format('revoke select on %s from %s;', m.base, coalesce(g.names, quote_ident(t.role)))
           || coalesce((select format(E'\ngrant select (%s) on %s to %I;',
                                      string_agg(quote_ident(a.attname), ', ' order by a.attnum), m.base, t.role)
                          from pg_catalog.pg_attribute a
                         where a.attrelid = m.relid and a.attnum > 0 and not a.attisdropped
                           and a.attnum not in (select o.attnum from masking o where o.relid = m.relid)
                        having count(*) > 0), '')
           || E'\n-- the view then needs an owner who reads for it and is bound by row security: the page tells how'
             as fix
      from tenants t
      left join lateral (
          select string_agg(distinct case when x.grantee = 0 then 'public' else quote_ident(k.rolname) end, ', ')
                 as names
                           from (select a.grantee from aclexplode(m.relacl) as a where a.privilege_type = 'SELECT'
                                 union
                                 select a.grantee from pg_catalog.pg_attribute k, aclexplode(k.attacl) as a
                                  where k.attrelid = m.relid and a.privilege_type = 'SELECT') as x
                           left join pg_catalog.pg_roles k on k.oid = x.grantee
                          where x.grantee = 0 or pg_has_role(t.oid, x.grantee, 'USAGE')) as g on true
     where has_column_privilege(t.oid, m.relid, m.attnum, 'SELECT')
       and has_any_column_privilege(t.oid, m.view, 'SELECT')
       and has_schema_privilege(t.oid, m.relnamespace, 'USAGE')) as reach
    on not exists (select from shown s where s.view = m.view and s.relid = m.relid and s.attnum = m.attnum)
 group by m.relation
