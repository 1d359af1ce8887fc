-- code: H1103
-- name: isolate-partitions-alike
-- title: Partitions that are kept up have the row security of their parent
-- severity: medium
-- kind: catalogue
-- uses: tenant_tables, own_policies
-- sources: bypass catalogue rows 36 and 50; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
-- A partition that no tenant role may touch is closed whatever its policies are (H107), and many are made so on
-- purpose. Asked is where somebody meant them to be like their parent: tables kept up by schema partitions, and those
-- another partition of which has its policies.
with edges as materialized (
  select i.inhrelid, i.inhparent
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relispartition and c.relkind in ('r', 'p')
),
branches as materialized (
  select r.root, r.relation, r.oid from (
    with recursive below as (
      select t.oid as root, t.relation, e.inhrelid as oid from tenant_tables t join edges e on e.inhparent = t.oid
       union
      select b.root, b.relation, e.inhrelid from below b join edges e on e.inhparent = b.oid
    )
    select * from below) as r
    join pg_catalog.pg_class c on c.oid = r.root and c.relrowsecurity and not c.relispartition
),
policies_of as materialized (
  select p.relation as oid, jsonb_agg(to_jsonb(p) - 'relation' order by p.name) as all_of_them
    from own_policies p
   where p.relation in (select oid from branches union all select root from branches)
   group by p.relation
),
compared as materialized (
  select b.root, b.relation, c.oid, format('%I.%I', n.nspname, c.relname) as object, r.relforcerowsecurity as force,
         c.relrowsecurity and c.relforcerowsecurity = r.relforcerowsecurity as same_flags,
         own.all_of_them is not distinct from above.all_of_them as same_policies, own.all_of_them is null as without,
         quote_ident(c.relname) as name
    from branches b
    join pg_catalog.pg_class r on r.oid = b.root
    join pg_catalog.pg_class c on c.oid = b.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join policies_of own on own.oid = c.oid
    left join policies_of above on above.oid = b.root
),
meant as (
  select c.root from compared c where c.same_policies and not c.without
   union
  -- partitions.managed, where there is one: asked by a text, since a query cannot name what may not be there
  select m.parent::oid
    from (select has_schema_privilege(current_user, n.oid, 'USAGE')
          and has_table_privilege(current_user, k.oid, 'SELECT') as readable
            from pg_catalog.pg_namespace n
            join pg_catalog.pg_class k on k.relnamespace = n.oid and k.relname = 'managed'
           where n.nspname = 'partitions'
             -- a table and nothing else: a view, a rule, a policy or a type of that name would be code of the database
             and k.relkind = 'r' and not k.relhasrules and not k.relrowsecurity
             and exists (select from pg_catalog.pg_attribute a
                          where a.attrelid = k.oid and a.attname = 'parent'
                            and a.atttypid = 'pg_catalog.regclass'::regtype)) as r
   cross join lateral (select unnest(string_to_array(substring(query_to_xml(
             'select string_agg(parent::oid::text, '','') as answer from partitions.managed', true, false, '')::text
               from '<answer>([0-9,]+)</answer>'), ','))) as m (parent)
   where r.readable
)
select c.object,
       case when c.same_flags and c.same_policies then 'pass' else 'fail' end as outcome,
       case when not c.same_flags then format('row security is on%s in %s and not so here: one GRANT opens it',
                                              case when c.force then ' and forced' else '' end, c.relation)
            when not c.same_policies then format('its policies are not those of %s', c.relation)
            else format('row security and policies of %s', c.relation) end as detail,
       case when not (c.same_flags and c.same_policies)
            then format(
                E'select relname, relrowsecurity, relforcerowsecurity from pg_class where oid in (%1$L::regclass, '
                 '%2$L::regclass);\n'
                        'select tablename, policyname, cmd, qual, with_check from pg_policies where '
                        'format(''%%I.%%I'', schemaname, tablename) in (%1$L, %2$L) order by 2, 1;',
                        c.relation, c.object) end as evidence,
       case when c.same_flags and c.same_policies then null
            when to_regprocedure('partitions.isolate(regclass, regclass)') is not null
            then format('select partitions.isolate(%L, %L);', c.relation, c.object)
            else concat_ws(E'\n',
                           format('alter table %s enable row level security, %s row level security;', c.object,
                                  case when c.force then 'force' else 'no force' end),
                   (select string_agg(format('drop policy %I on %s;', p.polname, c.object), E'\n')
                      from pg_catalog.pg_policy p where p.polrelid = c.oid and not c.same_policies),
                   (select string_agg(format('create policy %I on %s as %s for %s to %s%s%s;', p.name, c.object,
                                             case when p.permissive then 'permissive' else 'restrictive' end,
                                             case p.command when 'r' then 'select' when 'a' then 'insert'
                                                  when 'w' then 'update' when 'd' then 'delete' else 'all' end,
                                             (select string_agg(case r.oid when 0 then 'public'
                                                                     else quote_ident(g.rolname) end, ', ')
                                                from unnest(p.roles) as r (oid)
                                                left join pg_catalog.pg_roles g on g.oid = r.oid),
                                             E'\n  using (' || e.texts[1] || ')', E'\n  with check (' || e.texts[2]
                                               || ')'),
                                      E'\n' order by p.name)
                      from own_policies p
                      -- with the name of the partition where that of its parent stood
                     cross join lateral (
                       select array_agg((select string_agg(piece.text, c.name order by piece.place)
                                           from jsonb_array_elements_text(
                                               case when jsonb_typeof(x.pieces) = 'array' then x.pieces else '[]' end)
                                                  with ordinality as piece (text, place)) order by x.place) as texts
                         from jsonb_array_elements(p.expressions) with ordinality as x (pieces, place)) as e
                     where p.relation = c.root and not c.same_policies)) end as fix,
       null::text as severity
  from compared c
 where c.root in (select root from meant)
