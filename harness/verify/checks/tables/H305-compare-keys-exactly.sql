-- code: H305
-- name: compare-keys-exactly
-- title: Tenants whose names differ are different tenants
-- severity: high
-- kind: catalogue
-- uses: policy_trees, nodes, policy_expressions, policy_subjects
-- sources: bypass catalogue row 18; https://www.postgresql.org/docs/current/collation.html#COLLATION-NONDETERMINISTIC;
--   https://www.postgresql.org/docs/current/citext.html
-- The policies that a tenant role meets, as the trees that the parser made of them: a tree knows which column belongs
-- to which table, where text only looks so. Equal trees are taken apart once.
with trees as materialized (
  select x.tree_id, x.tree from policy_trees as x where x.tree ~ ':inputcollid [1-9]'
),
compared as materialized (
  select n.tree_id, n.own, max(x.how) as how
    from nodes n
   cross join lateral (
     select case when exists (select from pg_catalog.pg_collation c
                               where c.oid = f.collation and not c.collisdeterministic)
                 then 'with a collation for which different texts are equal'
                 when f.function in (select 'pg_catalog.lower(text)'::regprocedure::oid
                                      union select 'pg_catalog.upper(text)'::regprocedure) then 'without regard to case'
                 when exists (select from pg_catalog.pg_operator o join pg_catalog.pg_type t on t.oid = o.oprleft
                               where o.oid = f.operator and t.typname = 'citext') then 'as citext' end as how
       from (select substring(fields, ':inputcollid (\d+)')::oid as collation,
             substring(fields, '^ :funcid (\d+)')::oid as function, substring(fields, '^ :opno (\d+)')::oid as operator
               from unnest(n.above_fields[1:3]) as fields) as f) as x
   where n.own is not null and x.how is not null
   group by n.tree_id, n.own
),
judged as materialized (
  select e.*, c.own, c.how from policy_expressions e full join compared c on c.tree_id = e.tree_id
),
loose as materialized (
  select j.polrelid, min(format('policy %I compares it %s', j.polname, j.how)) as reason,
         string_agg(distinct j.alteration
                    || case when j.polqual is not null then format(E'\n  using (%s)', j.standard) else '' end
                    || case when j.polwithcheck is not null then format(E'\n  with check (%s)', j.standard) else '' end
                      || ';', E'\n') as fix
    from judged j
   where j.own = j.tenant_attnum
   group by j.polrelid
),
tables as materialized (
  select s.oid, s.tenant_column, l.reason, l.fix from policy_subjects s full join loose l on l.polrelid = s.oid
),
columns as materialized (
  select c.oid, format('%I.%I', n.nspname, c.relname) as relation, a.attname, a.attnum, s.reason as loose,
         s.fix as loose_fix,
         case when b.typname = 'citext' then 'citext' when not k.collisdeterministic
              then format('collation %I', k.collname) end as loosely,
         -- where the tenants' own names cannot differ in that way either, there is nothing to confuse
         exists (select from pg_catalog.pg_constraint f
                   join pg_catalog.pg_attribute r on r.attrelid = f.confrelid and r.attnum = f.confkey[1]
                  where f.conrelid = c.oid and f.contype = 'f' and f.conkey = array[a.attnum]
                    and r.atttypid = a.atttypid and r.attcollation = a.attcollation)
         or exists (select from pg_catalog.pg_index i
                     where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1 and i.indkey[0] = a.attnum
                       and i.indpred is null)
         or exists (select from pg_catalog.pg_constraint f
                     where f.conrelid = c.oid and f.contype = 'c' and a.attnum = any (f.conkey)
                       and pg_get_constraintdef(f.oid) ~ '\m(lower|upper)\(' and k.collisdeterministic
                       and b.typname <> 'citext') as distinct_anyway
    from tables s
    join pg_catalog.pg_class c on c.oid = s.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.tenant_column
    join pg_catalog.pg_type t on t.oid = a.atttypid
    join pg_catalog.pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
    left join pg_catalog.pg_collation k on k.oid = a.attcollation
   where a.attcollation <> 0
)
select c.relation as object,
       case when not c.distinct_anyway and (c.loosely is not null or c.loose is not null) then 'fail' else 'pass' end
         as outcome,
       case when c.distinct_anyway then format('%I cannot hold two tenants that are equal', c.attname)
            when c.loosely is not null
            then format('%I is of %s: tenants whose names differ in case or accents only are the same to every policy',
                        c.attname, c.loosely)
            when c.loose is not null then format('%s: tenants whose names differ in that only see each other''s rows',
                                                 c.loose)
            else format('%I is compared exactly', c.attname) end as detail,
       format(
           'select attname, atttypid::regtype, attcollation::regcollation from pg_attribute where attrelid = '
           '%L::regclass and attname = %L;', c.relation, c.attname) as evidence,
       case when c.distinct_anyway then null
            when c.loosely is null then c.loose_fix
            -- the type of a column that a policy uses cannot be changed: the policies step aside
            else concat_ws(E'\n', p.dropped,
                           format('alter table %s alter column %I type text collate "C";', c.relation, c.attname),
                           p.created) end as fix,
       null::text as severity
  from columns c
  left join lateral (
    select string_agg(format('drop policy %I on %s;', p.polname, c.relation), E'\n' order by p.polname) as dropped,
           string_agg(format('create policy %I on %s as %s for %s to %s', p.polname, c.relation,
                             case when p.polpermissive then 'permissive' else 'restrictive' end,
                             case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                  when 'd' then 'delete' else 'all' end,
                             (select string_agg(coalesce(quote_ident(r.rolname), 'public'), ', ')
                                from unnest(p.polroles) as o (oid) left join pg_catalog.pg_roles r on r.oid = o.oid))
                      || case when p.polqual is not null then format(E'\n  using (%s)', x.using_text) else '' end
                      || case when p.polwithcheck is not null then format(E'\n  with check (%s)', x.check_text)
                              else '' end || ';', E'\n' order by p.polname) as created
      from pg_catalog.pg_policy p
      -- with its type the column loses its operator too
     cross join lateral (
         select regexp_replace(regexp_replace(pg_get_expr(p.polqual, p.polrelid), y.type, '::text', 'gi'), y.operator,
                               '=', 'gi') as using_text,
                                regexp_replace(regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), y.type,
                                                              '::text', 'gi'), y.operator, '=', 'gi') as check_text
                           from (values ($re$::(?:[\w$]+\.)?citext$re$, $re$operator\((?:[\w$]+\.)?=\)$re$))
                                as y (type, operator)) as x
     where p.polrelid = c.oid and c.loosely is not null and not c.distinct_anyway
  ) as p on true
