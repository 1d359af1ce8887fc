-- code: H302
-- name: correlate-policy-subqueries
-- title: What a sub-query of a policy finds has to do with the row
-- severity: critical
-- area: policies
-- kind: catalogue
-- sources: bypass catalogue row 14; https://www.postgresql.org/docs/current/functions-subquery.html#FUNCTIONS-SUBQUERY-EXISTS
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs to which table, where
-- text only looks so. Equal trees are taken apart once.
, held as materialized (
  select array_agg(distinct h.oid) || 0::oid as roles, array_agg(distinct k.oid) as tenants
    from tenant_roles r
    join pg_catalog.pg_roles k on k.rolname = r.role
    join pg_catalog.pg_roles h on pg_has_role(k.oid, h.oid, 'USAGE')
),
subjects as materialized (
  select s.oid, max(s.tenant_column) as tenant_column, max(s.predicate) as predicate
    from (select t.oid, t."tenantColumn" as tenant_column,
                 coalesce(t.predicate, format('%I = (select %s)', t."tenantColumn", format(model ->> 'expression', t.type))) as predicate
            from model, jsonb_to_recordset(model -> 'tables') as t (oid oid, "tenantColumn" text, type text, predicate text)
          union all
          select c.oid, null, null
            from model, jsonb_array_elements_text(model -> 'schemas') as s (name)
            join pg_catalog.pg_namespace n on n.nspname = s.name
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') and c.relrowsecurity
           where not (model -> 'exempt') ? (n.nspname || '.' || c.relname)) as s
   group by s.oid
),
policies as materialized (
  select p.oid, p.polname, p.polrelid, p.polcmd, p.polpermissive, format('%I.%I', n.nspname, c.relname) as relation, c.relname,
         s.tenant_column, a.attnum as tenant_attnum, p.polqual, p.polwithcheck,
         -- a restrictive policy that names the tenant holds back what a permissive one of the same command lets through
         array_agg(p.polcmd) filter (where not p.polpermissive and (0 = any (p.polroles) or p.polroles @> (select tenants from held))
                                           and exists (select from pg_catalog.pg_depend d
                                                        where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                                          and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum))
           over (partition by p.polrelid) as floors,
         format('alter policy %I on %I.%I', p.polname, n.nspname, c.relname) as alteration,
         s.predicate as standard  -- what the policy could say instead
    from subjects s
    join pg_catalog.pg_class c on c.oid = s.oid and c.relrowsecurity
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_policy p on p.polrelid = c.oid
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.tenant_column
   where p.polroles && (select roles from held)
),
parsed as materialized (
  select x.*, hashtextextended(x.tree, 0) as tree_id
    from (select p.oid as policy, p.polname, p.polrelid, p.polcmd, p.polpermissive, p.relation, p.relname, p.tenant_column, p.tenant_attnum, p.floors,
                 p.alteration, p.standard, p.polqual, p.polwithcheck,
                 e.part, e.part = 'check' or p.polwithcheck is null as decides,  -- on new rows
                 -- before version 17 a tree tells where in its statement each node stood
                 case when current_setting('server_version_num')::int >= 170000 then e.tree
                      else regexp_replace(e.tree, ' :location \d+', '', 'g') end as tree
            from policies p
           cross join lateral (values ('using', p.polqual::text), ('check', p.polwithcheck::text)) as e (part, tree)
           where e.tree is not null) as x
),
trees as materialized (
  select x.tree_id, x.tree from (select tree_id, min(tree) as tree from parsed group by tree_id) as x where x.tree like '%:rtekind 0 %' or x.tree like '%FUNCEXPR%'
),
expressions as materialized (
  select * from parsed where (tree_id in (select tree_id from trees)) is true
),
-- A node runs from its token n to its token last. fields stand before its first child, after belongs to its parent; above are its
-- ancestors, the nearest first, and path their names from the root. Tree by tree, so that the work grows with their number and no faster.
nodes as materialized (
  select t.tree_id, k.n, k.last, k.tag, k.fields, k.after, coalesce(k.path, '') as path, k.above, k.above_fields, k.disjunct,
         -- a column of the table itself, however deep in sub-queries it stands
         case when k.tag = 'VAR' and k.fields like ' :varno 1 %'
               and substring(k.fields, ':varlevelsup (\d+)')::int = (length(coalesce(k.path, '')) - length(replace(coalesce(k.path, ''), '/QUERY', ''))) / 6
              then substring(k.fields, ':varattno (-?\d+) ')::int end as own
    from trees t
   cross join lateral (
     with opened as materialized (
       select *
         from (select w.n, w.opens, w.level, w.token[2] as tag, w.token[3] as fields,
                      lead(w.n) over matching as last, lead(w.token[3]) over matching as after
                 from (select m.n, m.token, m.token[1] = '{' as opens,
                              sum(case m.token[1] when '{' then 1 else -1 end) over (order by m.n) + (m.token[1] = '}')::int as level
                         from regexp_matches(replace(replace(t.tree, '\{', ''), '\}', ''), '([{}])([A-Z]*)([^{}]*)', 'g')
                              with ordinality as m (token, n)) as w
               window matching as (partition by w.level order by w.n)) as w
        where w.opens
     )
     select o.n, o.last, o.tag, o.fields, o.after, string_agg('/' || a.tag, '' order by a.n) as path,
            array_agg(a.n order by a.n desc) as above, array_agg(a.fields order by a.n desc) as above_fields,
            -- the operand of the outermost OR that it belongs to: what lets rows through by itself
            coalesce(min(a.n) filter (where not (a.tag = 'BOOLEXPR' and a.fields like ' :boolop or %')), o.n) as disjunct
       from opened o
       left join opened a on a.n < o.n and a.last > o.last
      group by o.n, o.last, o.tag, o.fields, o.after
   ) as k
),
-- Every function that the policies lead to. Of bodies in the SQL standard's form the catalogue knows what they call and read; in bodies that are text it is
-- looked for by name, outside comments.
reached as materialized (
  with recursive walk as (
    select distinct coalesce(o.oprcode::oid, d.refobjid) as root, null::oid as caller, coalesce(o.oprcode::oid, d.refobjid) as function
      from policies p
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                 and d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
      left join pg_catalog.pg_operator o on d.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = d.refobjid
    union
    select w.root, w.function, c.callee
      from walk w
     cross join lateral (
       select d.refobjid as callee
         from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = w.function and d.refclassid = 'pg_catalog.pg_proc'::regclass
       union
       select k.oid
         from pg_catalog.pg_proc f
        cross join lateral regexp_matches(regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g'),
                                          '(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)\s*\(', 'g') as m (name)
         join pg_catalog.pg_proc k on k.proname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"') else lower(m.name[2]) end
         join pg_catalog.pg_namespace n on n.oid = k.pronamespace
        where f.oid = w.function and f.prosqlbody is null and f.oid >= 16384
          and k.oid >= 16384 and k.oid <> f.oid
          and case when m.name[1] is not null
                   then n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"') else lower(m.name[1]) end
                   -- without a schema the server's own functions come first
                   else not exists (select from pg_catalog.pg_proc s where s.proname = k.proname and s.pronamespace = 'pg_catalog'::regnamespace) end
     ) as c
  )
  select w.root, w.caller, w.function from walk w
),
bodies as materialized (
  select f.oid as function, f.proname, f.provolatile, f.prosecdef, f.prosqlbody::text as tree, format('%I.%I(%s)', n.nspname, f.proname, pg_catalog.oidvectortypes(f.proargtypes)) as signature, l.lanname,
         case when f.prosqlbody is null and l.lanname not in ('c', 'internal') then regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g') end as code
    from (select distinct function from reached) as r
    join pg_catalog.pg_proc f on f.oid = r.function
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
    join pg_catalog.pg_language l on l.oid = f.prolang
),
-- the tables that they read
read_by_function as materialized (
  select b.function, d.refobjid as relid
    from bodies b
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = b.function and d.refclassid = 'pg_catalog.pg_class'::regclass
  union
  select b.function, c.oid
    from bodies b
   cross join lateral regexp_matches(regexp_replace(b.code, '\mdistinct\s+from\M', ' ', 'gi'), '\m(?:from|join|into|update)\s+(?:only\s+)?(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)', 'gi') as m (name)
    join pg_catalog.pg_class c on c.relname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"') else lower(m.name[2]) end
                              and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.oid >= 16384
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where m.name[1] is null or n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"') else lower(m.name[1]) end
),
-- What lets rows through and names no column of the row: the tables that it reads, the functions that it calls.
unrelated as materialized (
  select n.tree_id, n.disjunct,
         array_agg(substring(n.after, '^ :rtekind 0 :relid (\d+)')::oid) filter (where n.after like ' :rtekind 0 %') as relids,
         array_agg(substring(n.fields, '^ :funcid (\d+)')::oid) filter (where n.tag = 'FUNCEXPR') as functions
    from (select n.*, n.tag = 'VAR' and count(*) over same = 2 and min(n.fields) over same = max(n.fields) over same as self
            from (select n.*, case when n.tag = 'VAR' and n.path ~ '/(OPEXPR|DISTINCTEXPR)$' then n.above[1]
                                   when n.tag = 'VAR' and n.path ~ '/OPEXPR/RELABELTYPE$' then n.above[2] else -n.n end as comparison
                    from nodes n) as n
          window same as (partition by n.tree_id, n.comparison)) as n
   group by n.tree_id, n.disjunct
  -- What EXISTS returns ties it to nothing. A column compared with itself, or returned to the query around, is H301's.
  having not bool_or(coalesce(n.self, false) or n.own is not null and not (n.path like '%/SUBLINK/QUERY/TARGETENTRY' and n.above_fields[3] like ' :subLinkType 0 %'))
),
readers as materialized (
  select u.tree_id, u.disjunct, r.relid, null::oid as function
    from unrelated u cross join lateral unnest(u.relids) as r (relid)
  union
  select u.tree_id, u.disjunct, t.relid, r.root
    from unrelated u
   cross join lateral unnest(u.functions) as f (function)
    join reached r on r.root = f.function
    join read_by_function t on t.function = r.function
),
asked as materialized (
  select e.policy, e.polname, e.relation, e.polrelid, e.polcmd, e.polpermissive, e.floors, e.tenant_column, e.tenant_attnum, e.alteration, e.standard, e.polqual, e.polwithcheck,
         r.relid, r.function
    from expressions e
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
                                          where i.indrelid = a.polrelid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = a.tenant_attnum and i.indpred is null))
     and (exists (select from subjects s where s.oid = a.relid and s.tenant_column is not null)
      or exists (select from pg_catalog.pg_attribute k where k.attrelid = a.relid and k.attname = a.tenant_column and k.attnum > 0 and not k.attisdropped)
      -- it refers to what the tenant column refers to, or to the table itself
      or exists (select from pg_catalog.pg_constraint k
                  where k.conrelid = a.relid and k.contype = 'f'
                    and (k.confrelid = a.polrelid and a.tenant_attnum = any (k.confkey)
                         or k.confrelid in (select o.confrelid from pg_catalog.pg_constraint o
                                             where o.conrelid = a.polrelid and o.contype = 'f' and a.tenant_attnum = any (o.conkey))))
      -- its key has a part of the tenant's type that the policy does not ask for
      or a.function is null
     and exists (select from pg_catalog.pg_index i
                  where i.indrelid = a.relid and i.indisunique and i.indnkeyatts > 1
                    and exists (select from unnest(i.indkey[0:i.indnkeyatts - 1]) as k (attnum)
                                  join pg_catalog.pg_attribute c on c.attrelid = a.relid and c.attnum = k.attnum
                                  join pg_catalog.pg_attribute t on t.attrelid = a.polrelid and t.attnum = a.tenant_attnum
                                 where c.atttypid = t.atttypid
                                   and not exists (select from pg_catalog.pg_depend d
                                                    where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = a.policy
                                                      and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = a.relid and d.refobjsubid = k.attnum))))
),
findings as (
  select k.relation, k.polname,
         min(case when k.function is null and k.restricting <= 1 then 1 else 3 end) as rank,
         string_agg(distinct format('policy %I lets every row through if %s finds anything%s: it names no column of the row', k.polname, k.read,
                                    case when k.function is not null then format(' in %s', k.function::regprocedure) else '' end), '; ') as reason,
         min(k.alteration || coalesce(E'\n  using ((' || pg_get_expr(k.polqual, k.polrelid) || format(') and %s)', k.standard), '')
             || coalesce(E'\n  with check ((' || pg_get_expr(k.polwithcheck, k.polrelid) || format(') and %s)', k.standard), '') || ';') as fix
    from knowing k
   group by k.relation, k.polname
)
select x.relation as object,
       case when count(x.rank) > 0 then 'fail' else 'pass' end as outcome,
       coalesce(string_agg(x.reason, '; ' order by x.polname), 'every sub-query that opens rows asks about the row') as detail,
       format('select polname, polpermissive, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy where polrelid = %L::regclass;', x.relation) as evidence,
       string_agg(x.fix, E'\n' order by x.polname) as fix,
       (array['critical', 'high', 'medium', 'low'])[min(x.rank)] as severity
  from (select relation, polname, rank, reason, fix from findings
        union all
        select relation, polname, null, null, null from expressions) as x
 group by x.relation
