-- code: H303
-- name: guard-membership-tables
-- title: No tenant role can write itself into a table that policies trust
-- severity: critical
-- kind: catalogue
-- uses: policy_sources, policy_trees, nodes, policy_expressions, reached_functions, tables_read, tenant_roles,
--   tenant_memberships
-- replaces: policy_subjects
-- sources: bypass catalogue row 15; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with policy_subjects as materialized (
  select s.oid, max(s.tenant_column) as tenant_column, max(s.predicate) as predicate
    from (select oid, tenant_column, predicate from policy_sources
          union all
          -- and what their policies read
          select d.refobjid, null, null
            from pg_catalog.pg_depend d
           where d.classid = 'pg_catalog.pg_policy'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass) as s
   group by s.oid
),
trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where true
),
-- Each column of another table that a policy takes the tenant from, or compares with a column of the row; per operand
-- of OR.
placed as materialized (
  select n.tree_id, n.disjunct, n.n, n.tag, n.own, n.path, n.above, n.after, n.fields, n.above_fields,
         -- the tables of the query around, in the order by which a column refers to them
         array_agg(substring(n.after, '^ :rtekind 0 :relid (\d+)')::oid) filter (where n.after like ' :rtekind %')
           over (partition by n.tree_id, n.around order by n.n rows between unbounded preceding and unbounded following)
             as range_table,
         bool_or(n.own is not null) over (partition by n.tree_id, n.above[1]) as with_own
    from (select n.*,
          n.above[1 + length(regexp_replace(regexp_replace(n.path, '^.*/QUERY', ''), '[^/]', '', 'g'))] as around
            from nodes n) as n
),
tied as materialized (
  select p.tree_id, p.disjunct, p.range_table[substring(p.fields, ':varno (\d+) ')::int] as relid,
         substring(p.fields, ':varattno (\d+) ')::int as attnum
    from placed p
   where p.tag = 'VAR' and p.own is null and p.path ~ '/OPEXPR$' and p.with_own and p.fields like '%:varlevelsup 0 %'
  union
  select p.tree_id, p.disjunct, substring(p.after, ' :resorigtbl (\d+) ')::oid,
         substring(p.after, ' :resorigcol (\d+) ')::int
    from placed p
   where p.tag = 'VAR' and p.path like '%/SUBLINK/QUERY/TARGETENTRY' and p.above_fields[3] not like ' :subLinkType 0 %'
     and p.after ~ ' :resorigtbl [1-9]'
),
-- does the same operand compare a column of the row with something that is not read from a table?
beside as materialized (
  select distinct s.tree_id, s.disjunct, s.attnum
    from (select n.tree_id, n.disjunct, a.n as ancestor, min(n.own) filter (where a.n = n.above[1]) as attnum,
          bool_or(n.after like ' :rtekind 0 %') as reads
            from nodes n cross join lateral unnest(n.above) as a (n)
           where n.own is not null and n.path not like '%/SUBLINK%' or n.after like ' :rtekind 0 %'
           group by n.tree_id, n.disjunct, a.n) as s
   where s.attnum is not null and not s.reads
),
reads as materialized (
  select r.tree_id, r.relid, bool_or(b.attnum is null) as alone, array_agg(b.attnum) as beside
    from (select distinct tree_id, disjunct, substring(after, '^ :rtekind 0 :relid (\d+)')::oid as relid from nodes
           where after like ' :rtekind 0 %') as r
    full join beside b on b.tree_id = r.tree_id and b.disjunct = r.disjunct
   group by r.tree_id, r.relid
),
-- what a policy reads itself, and what its functions read
reading as materialized (
  select e.policy, e.polname, e.relation, e.polrelid, e.tenant_column, e.tenant_attnum, r.relid,
         coalesce(e.floors && array['*', e.polcmd], false) or not e.polpermissive or not r.alone
           and e.tenant_attnum = any (r.beside) as held_back
    from policy_expressions e
    full join reads r on r.tree_id = e.tree_id
),
calling as materialized (
  select e.policy, e.polname, e.relation, e.polrelid, e.tenant_column, e.tenant_attnum, t.relid,
         coalesce(e.floors && array['*', e.polcmd], false) or not e.polpermissive as held_back
    from (select distinct e.policy, e.polname, e.relation, e.polrelid, e.tenant_column, e.tenant_attnum, e.floors,
          e.polcmd, e.polpermissive, d.refobjid as root
            from policy_expressions e
            join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = e.policy
             and d.refclassid = 'pg_catalog.pg_proc'::regclass) as e
    full join (select distinct r.root, t.relid from reached_functions r join tables_read t on t.function = r.function)
         as t on t.root = e.root
),
trusting as materialized (
  select * from reading where relid <> polrelid and tenant_column is not null
  union
  select * from calling where relid <> polrelid and tenant_column is not null
),
-- which columns of such a table say what it opens
keys as materialized (
  select distinct t.relid, k.attnum
    from trusting t
    join pg_catalog.pg_class c on c.oid = t.relid and c.relkind in ('r', 'p')
    join pg_catalog.pg_attribute k on k.attrelid = t.relid and k.attnum > 0 and not k.attisdropped
    left join policy_subjects s on s.oid = t.relid
   where (k.attname = coalesce(s.tenant_column, t.tenant_column)
          or exists (select from pg_catalog.pg_constraint f
                      where f.conrelid = t.relid and f.contype = 'f' and k.attnum = any (f.conkey)
                        and (f.confrelid = t.polrelid and t.tenant_attnum = any (f.confkey)
                             or f.confrelid in (select o.confrelid from pg_catalog.pg_constraint o
                                                 where o.conrelid = t.polrelid and o.contype = 'f'
                                                   and t.tenant_attnum = any (o.conkey))))
          or (t.relid, k.attnum::int) in (select d.relid, d.attnum from tied d))
     -- whose values cannot be taken twice: nobody can add another one
     and not exists (select from pg_catalog.pg_index i
                      where i.indrelid = t.relid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = k.attnum
                        and i.indpred is null)
),
-- Per trusted table: its key columns, and which commands can choose them. A policy that looks at one of them has to be
-- satisfied; a permissive one that looks at none opens the door. One pass without joins, since nothing here is known to
-- be small.
looked_at as materialized (
  select e.polrelid, e.polcmd, e.polpermissive, e.decides, n.columns
    from policy_expressions e
    full join (select tree_id, array_agg(distinct own) filter (where own is not null) as columns from nodes
                group by tree_id) as n on n.tree_id = e.tree_id
),
trusted as materialized (
  select x.relid, min(x.rank) as rank, min(x.trusted_by) as trusted_by, max(x.attnums) as attnums,
         coalesce(bool_or(x.polpermissive and not x.looks) filter (where x.polcmd in ('*', 'a')), false)
           and not coalesce(bool_or(not x.polpermissive and x.looks) filter (where x.polcmd in ('*', 'a')), false)
               as may_insert,
         coalesce(bool_or(x.polpermissive and not x.looks) filter (where x.polcmd in ('*', 'w')), false)
           and not coalesce(bool_or(not x.polpermissive and x.looks) filter (where x.polcmd in ('*', 'w')), false)
               as may_update
    from (select x.relid, x.rank, x.trusted_by, x.polcmd, x.polpermissive, x.attnums,
                 coalesce(x.columns && max(x.attnums) over (partition by x.relid), false) as looks
            from (select relid, case when held_back then 3 else 1 end as rank,
                  format('policy %I on %s', polname, relation) as trusted_by,
                         null::"char" as polcmd, null::boolean as polpermissive, null::int[] as columns,
                         null::int[] as attnums from trusting
                  union all
                  select relid, null, null, null, null, null, array_agg(attnum::int) from keys group by relid
                  union all
                  select polrelid, null, null, polcmd, polpermissive, columns, null from looked_at
                   where decides) as x) as x
   group by x.relid
)
select format('%I.%I', n.nspname, c.relname) as object,
       case when w.commands is not null then 'fail' else 'pass' end as outcome,
       case when w.commands is null then format('%s trusts it, and no tenant role can choose what it opens',
                                                t.trusted_by)
            when not c.relrowsecurity then format('%s trusts it, and %s may %s: it has no row security', t.trusted_by,
                                                  w.roles, w.commands)
            else format('%s trusts it, and %s may %s any %s: no policy looks at that', t.trusted_by, w.roles,
                        w.commands, w.columns) end as detail,
       case when w.commands is not null
            then format(
                E'select %1$s as may_write;\nselect polname, polcmd, pg_get_expr(polqual, polrelid), '
                 'pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = %2$L::regclass;', w.rights,
                 format('%I.%I', n.nspname, c.relname)) end as evidence,
       w.fix,
       case when w.commands is not null then (array['critical', 'high', 'medium', 'low'])[t.rank] end as severity
  from trusted t
  join pg_catalog.pg_class c on c.oid = t.relid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select string_agg(distinct quote_ident(g.role), ', ') as roles, string_agg(distinct m.command, ', ') as commands,
           string_agg(distinct quote_ident(a.attname), ', ') as columns,
           string_agg(distinct format('has_column_privilege(%L, %L, %L, %L)', g.role,
                                      format('%I.%I', n.nspname, c.relname), a.attname, m.command), ' or ') as rights,
           -- who is to be a member is for somebody else to say: a function, or another role
           string_agg(distinct format('revoke %s on %I.%I from %s;', lower(m.command), n.nspname, c.relname,
                                      h.grantees), E'\n')
           -- the other columns stay as they were
           || coalesce(string_agg(distinct case when m.command = 'UPDATE' then (
                select format(E'\ngrant update (%s) on %I.%I to %I;',
                              string_agg(quote_ident(o.attname), ', ' order by o.attnum), n.nspname, c.relname, g.role)
                  from pg_catalog.pg_attribute o
                 where o.attrelid = t.relid and o.attnum > 0 and not o.attisdropped and o.attgenerated = ''
                   and o.attnum <> all (t.attnums) and has_column_privilege(g.oid, t.relid, o.attnum, 'UPDATE')
                having count(*) > 0) end, ''), '') as fix
      from (values ('INSERT', t.may_insert), ('UPDATE', t.may_update)) as m (command, opened)
     cross join (select r.role, p.oid from tenant_roles r join pg_catalog.pg_roles p on p.rolname = r.role) as g
      join pg_catalog.pg_attribute a on a.attrelid = t.relid and a.attnum = any (t.attnums)
      left join lateral (
        select string_agg(distinct coalesce(quote_ident(r.rolname), 'public'), ', ') as grantees
          from (select c.relacl as acl union all select attacl from pg_catalog.pg_attribute
                                                  where attrelid = t.relid and attacl is not null) as x
         cross join lateral aclexplode(x.acl) as g
          left join pg_catalog.pg_roles r on r.oid = g.grantee
         where g.privilege_type = m.command and g.grantee = any ((select roles from tenant_memberships)::oid[])
      ) as h on true
     where (m.opened or not c.relrowsecurity)
       and has_schema_privilege(g.oid, c.relnamespace, 'USAGE')
       and has_column_privilege(g.oid, t.relid, a.attnum, m.command)
  ) as w on true
 where t.trusted_by is not null and t.attnums is not null
