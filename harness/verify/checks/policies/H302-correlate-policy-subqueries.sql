-- code: H302
-- name: correlate-policy-subqueries
-- title: What a sub-query of a policy finds has to do with the row
-- severity: critical
-- kind: catalogue
-- uses: policy_trees, nodes, reached_functions, tables_read, policy_expressions, policy_subjects, policy_report
-- sources: bypass catalogue row 14;
--   https://www.postgresql.org/docs/current/functions-subquery.html#FUNCTIONS-SUBQUERY-EXISTS
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where x.tree like '%:rtekind 0 %' or x.tree like '%FUNCEXPR%'
),
-- What lets rows through and names no column of the row: the tables that it reads, the functions that it calls.
unrelated as materialized (
  select n.tree_id, n.disjunct,
         array_agg(substring(n.after, '^ :rtekind 0 :relid (\d+)')::oid) filter (where n.after like ' :rtekind 0 %')
           as relids,
         array_agg(substring(n.fields, '^ :funcid (\d+)')::oid) filter (where n.tag = 'FUNCEXPR') as functions
    from (select n.*, n.tag = 'VAR' and count(*) over same = 2
          and min(n.fields) over same = max(n.fields) over same as self
            from (select n.*, case when n.tag = 'VAR' and n.path ~ '/(OPEXPR|DISTINCTEXPR)$' then n.above[1]
                                   when n.tag = 'VAR' and n.path ~ '/OPEXPR/RELABELTYPE$' then n.above[2]
                                   else -n.n end as comparison
                    from nodes n) as n
          window same as (partition by n.tree_id, n.comparison)) as n
   group by n.tree_id, n.disjunct
  -- What EXISTS returns ties it to nothing. A column compared with itself, or returned to the query around, is H301's.
  having not bool_or(coalesce(n.self, false) or n.own is not null
                     and not (n.path like '%/SUBLINK/QUERY/TARGETENTRY' and n.above_fields[3] like ' :subLinkType 0 %'))
),
readers as materialized (
  select u.tree_id, u.disjunct, r.relid, null::oid as function
    from unrelated u cross join lateral unnest(u.relids) as r (relid)
  union
  select u.tree_id, u.disjunct, t.relid, r.root
    from unrelated u
   cross join lateral unnest(u.functions) as f (function)
    join reached_functions r on r.root = f.function
    join tables_read t on t.function = r.function
),
asked as materialized (
  select e.policy, e.polname, e.relation, e.polrelid, e.polcmd, e.polpermissive, e.floors, e.tenant_column,
         e.tenant_attnum, e.alteration, e.standard, e.polqual, e.polwithcheck,
         r.relid, r.function
    from policy_expressions e
    full join readers r on r.tree_id = e.tree_id
),
-- Of a table that knows no tenants nothing can be missing: platform staff, switches.
knowing as materialized (
  select a.*, format('%I.%I', n.nspname, c.relname) as read,
         (select count(distinct d.refobjsubid)
            from pg_catalog.pg_depend d
            join pg_catalog.pg_attribute k on k.attrelid = a.relid and k.attnum = d.refobjsubid
           where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = a.policy
             and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = a.relid and d.refobjsubid > 0
             and k.attname <> a.tenant_column) as restricting
    from asked a
    join pg_catalog.pg_class c on c.oid = a.relid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where a.polpermissive and a.tenant_column is not null and a.relid <> a.polrelid
     -- to say what is one policy's business, and whose another's
     and not coalesce(a.floors && array['*', a.polcmd], false)
     -- nor is a new tenant anybody's yet
     and not (a.polcmd = 'a' and exists (select from pg_catalog.pg_index i
                                          where i.indrelid = a.polrelid and i.indisunique and i.indnkeyatts = 1
                                            and i.indkey[0] = a.tenant_attnum and i.indpred is null))
     and (exists (select from policy_subjects s where s.oid = a.relid and s.tenant_column is not null)
      or exists (select from pg_catalog.pg_attribute k
                  where k.attrelid = a.relid and k.attname = a.tenant_column and k.attnum > 0 and not k.attisdropped)
      -- it refers to what the tenant column refers to, or to the table itself
      or exists (select from pg_catalog.pg_constraint k
                  where k.conrelid = a.relid and k.contype = 'f'
                    and (k.confrelid = a.polrelid and a.tenant_attnum = any (k.confkey)
                         or k.confrelid in (select o.confrelid from pg_catalog.pg_constraint o
                                             where o.conrelid = a.polrelid and o.contype = 'f'
                                               and a.tenant_attnum = any (o.conkey))))
      -- its key has a part of the tenant's type that the policy does not ask for
      or a.function is null
     and exists (select from pg_catalog.pg_index i
                  where i.indrelid = a.relid and i.indisunique and i.indnkeyatts > 1
                    and exists (select from unnest(i.indkey[0:i.indnkeyatts - 1]) as k (attnum)
                                  join pg_catalog.pg_attribute c on c.attrelid = a.relid and c.attnum = k.attnum
                                  join pg_catalog.pg_attribute t on t.attrelid = a.polrelid
                                   and t.attnum = a.tenant_attnum
                                 where c.atttypid = t.atttypid
                                   and not exists (select from pg_catalog.pg_depend d
                                                    where d.classid = 'pg_catalog.pg_policy'::regclass
                                                      and d.objid = a.policy
                                                      and d.refclassid = 'pg_catalog.pg_class'::regclass
                                                      and d.refobjid = a.relid and d.refobjsubid = k.attnum))))
),
findings as (
  select k.relation, k.polname,
         min(case when k.function is null and k.restricting <= 1 then 1 else 3 end) as rank,
         string_agg(
             distinct format('policy %I lets every row through if %s finds anything%s: it names no column of the row',
                             k.polname, k.read,
                                    case when k.function is not null then format(' in %s', k.function::regprocedure)
                                         else '' end), '; ') as reason,
         min(k.alteration
             || coalesce(E'\n  using ((' || pg_get_expr(k.polqual, k.polrelid) || format(') and %s)', k.standard), '')
             || coalesce(E'\n  with check ((' || pg_get_expr(k.polwithcheck, k.polrelid)
                         || format(') and %s)', k.standard), '') || ';') as fix
    from knowing k
   group by k.relation, k.polname
)
select object, outcome, coalesce(reasons, 'every sub-query that opens rows asks about the row') as detail, evidence,
       fix, severity
  from policy_report
