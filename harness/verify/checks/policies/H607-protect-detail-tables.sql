-- code: H607
-- name: protect-detail-tables
-- title: A table without a tenant column is as closed as the tenant table it belongs to
-- severity: critical
-- kind: catalogue
-- uses: tenant_tables, model, subject_roles, vocabulary, condition_grammar, contexts
-- sources: bypass catalogue row 52; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
with owned as materialized (
  select to_regclass(t.relation)::oid as oid from tenant_tables t
),
candidates as materialized (
  select c.oid, format('%I.%I', n.nspname, c.relname) as relation, c.relrowsecurity
    from model
   cross join lateral jsonb_array_elements_text(model -> 'schemas') as s (name)
    join pg_catalog.pg_namespace n on n.nspname = s.name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
   where c.oid not in (select o.oid from owned o where o.oid is not null)
     and not (model -> 'exempt') ? (n.nspname || '.' || c.relname)
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
),
-- Whose rows belong to a row of a tenant table, or to one of a table of this kind.
links as materialized (
  select k.conrelid as child, k.confrelid as parent, k.conkey, k.confkey from pg_catalog.pg_constraint k
   where k.contype = 'f' and k.conrelid in (select oid from candidates) and k.conrelid <> k.confrelid
),
details as materialized (
  with recursive d as (
    select l.child, l.parent, l.conkey, l.confkey from links l where l.parent in (select oid from owned)
    union
    select l.child, l.parent, l.conkey, l.confkey from d join links l on l.parent = d.child
  )
  select * from d
),
-- H101 speaks of tables without row security.
protected as materialized (
  select c.oid, c.relation from candidates c where c.relrowsecurity and c.oid in (select child from details)
),
reach as materialized (
  select p.oid, p.relation, t.oid as tenant, t.role, k.command, k.letter, k.checked
    from protected p
    -- one row, of which the planner expects a thousand: it had better not loop
    cross join lateral regexp_split_to_table('', ',') as many
   cross join subject_roles t
   cross join (values ('SELECT', 'r', false), ('INSERT', 'a', true), ('UPDATE', 'w', false), ('UPDATE', 'w', true),
               ('DELETE', 'd', false)) as k (command, letter, checked)
   where case k.command when 'DELETE' then has_table_privilege(t.oid, p.oid, 'DELETE')
              else has_any_column_privilege(t.oid, p.oid, k.command) end
),
policies_of_details as materialized (
  select y.oid, y.polrelid, y.polname, y.polcmd, y.polpermissive, y.polroles, y.polwithcheck is not null as has_check,
         pg_get_expr(y.polqual, y.polrelid) as visible_if,
         coalesce(pg_get_expr(y.polwithcheck, y.polrelid), pg_get_expr(y.polqual, y.polrelid)) as writable_if,
         y.polqual::text as visible_tree, coalesce(y.polwithcheck::text, y.polqual::text) as writable_tree
    from pg_catalog.pg_policy y
   where y.polrelid in (select oid from protected)
),
expressions as materialized (
  select p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, p.polroles, p.has_check, s.checked, s.expression,
         s.tree
    from policies_of_details p
   cross join lateral (values (false, p.visible_if, p.visible_tree), (true, p.writable_if, p.writable_tree))
         as s (checked, expression, tree)
   -- without a WITH CHECK, USING is the check too
   where case when s.checked then p.polcmd = 'a' or p.has_check else p.polcmd <> 'a' end
),
through as materialized (
  select e.oid, e.checked
    from expressions e
    -- one row, of which the planner expects a thousand: it had better not loop
    cross join lateral regexp_split_to_table('', ',') as many
    join details d on d.child = e.polrelid
   where e.tree ~ (':relid ' || d.parent || ' ')
     and exists (select from unnest(d.conkey) as n
                  where e.tree ~ format('\{VAR :varno 1 :varattno %s [^{}]*:varlevelsup [1-9]', n)
                     or e.tree ~ format(':testexpr (?:(?!:subselect ).)*\{VAR :varno 1 :varattno %s ', n))
   group by e.oid, e.checked
),
-- Which columns of the row itself an expression reads: not those in sub-queries, except where these refer outwards.
outlines as materialized (
  with recursive step as (
    select e.oid, e.checked, 0 as pass,
           (select string_agg(case when m[2] is not null then '<' || m[2] || '>{' when m[1] like '{Q%' then '{Q'
                                   else m[1] end, '' order by n)
              from regexp_matches(e.tree, '(\{QUERY |\{VAR :varno 1 :varattno (\d+) [^{}]*:varlevelsup 0 |\{|\})',
                                  'g') with ordinality as t (m, n)) as t
      from expressions e
     where ((e.oid, e.checked) in (select t.oid, t.checked from through t)) is not true
    union all
    select s.oid, s.checked, s.pass + 1,
           regexp_replace(regexp_replace(s.t, '\{Q[^{}]*\}', '', 'g'), '\{(?!Q)([^{}]*)\}', '\1', 'g')
      from step s where s.pass < 100 and s.t ~ '\{'
  )
  select distinct on (oid, checked) oid, checked, t from step order by oid, checked, pass desc
),
sorted as materialized (
  select e.*, t.oid is not null or coalesce(o.t, '') <> ''
         or e.tree ~ '\{VAR :varno 1 [^{}]*:varlevelsup [1-9]' as reads_row, e.tree ~ '\{SUBLINK ' as looks_up,
         -- by the table that it belongs to and by the column that refers to it
         t.oid is not null as through_parent
    from expressions e
    left join outlines o on o.oid = e.oid and o.checked = e.checked
    left join through t on t.oid = e.oid and t.checked = e.checked
),
marked as materialized (
  select m.*,
         translate(
             regexp_replace(regexp_replace((select string_agg(g.shapes ->> upper(x.m[1]), '' order by x.n)
                                              from regexp_matches('(' || m.text || ')', '(@|\(|\)|\w+)',
                                                                  'g') with ordinality as x (m, n)),
                                         '`!?d\^', '`', 'g'), 'fu|~(?!j)', '', 'g'), 'dfj', '') as shape
    from (select s.*,
                 case when s.through_parent
                      then regexp_replace(regexp_replace(regexp_replace(x.text, '\mEXISTS\s*(?=\()', '@ AND ', 'gi'),
                                                         '\m(?:IN|ANY)\s*(?=\(+\s*SELECT\M)', '@ AND ', 'gi'),
                                          '=(?=' || g.inside || v.context || ')', '@=', 'gi')
                      else regexp_replace(regexp_replace(regexp_replace(regexp_replace(x.text,
                           g.col || '(?=' || g.casts || '(?:=|\mIN\M)' || g.inside || v.context || ')', '@', 'gi'),
                           '(?<=' || v.context || g.before || ')' || g.col, '@', 'gi'),
                           g.col || '(?=' || g.casts || '(?:IN|=\s*ANY)\s*\(+\s*SELECT\M(?:[^()]|\([^()]*\))*='
                             || g.inside || v.context || ')', '@', 'gi'),
                           '(?<=' || v.calls || '(?:[^()]*,)?\s*(?:[\w"$]+\.)?)' || g.col, '@', 'gi') end as text
            from sorted s
           cross join vocabulary v
           cross join condition_grammar g
           cross join lateral (
               select translate(
                   regexp_replace(regexp_replace(coalesce(s.expression, 'true'),
                                                 $re$\mcurrent_setting\s*\(\s*'\w+\.[^']*'$re$, 'harness_context(_',
                                                 'gi'),
                                                               $re$'(?:[^']|'')*'$re$, '_', 'g'), '@',
                                                               '_') as text) as x) as m
   cross join condition_grammar g
),
worked_off as materialized (
  with recursive step as (
    select m.oid, m.checked, 0 as pass, m.shape, false as leaky, false as lost from marked m
    union all
    select s.oid, s.checked, s.pass + 1, translate(regexp_replace(z.t, '\([^()*]*@[^()*]*\)', '', 'g'), '*', '@'),
           s.leaky or y.t ~ '!@|@`' or z.t ~ '\([^()*]*@[^()*]*[|?][^()*]*\)|\([^()*]*[|?][^()*]*@[^()*]*\)',
           s.lost or z.t ~ '\([^()*]*@[^()*]*\)'
      from step s
     cross join condition_grammar g
     cross join lateral (select regexp_replace(regexp_replace(s.shape, '\$\([^()]*\)', '', 'g'), '\([^()@]*\)',
                                               '', 'g') as t) as y
     cross join lateral (select regexp_replace(regexp_replace(y.t, '!@|@`', '', 'g'), g.kept, '*', 'g') as t) as z
     where s.pass < 100 and s.shape ~ '\('
  )
  select distinct on (oid, checked) oid, checked, shape, leaky, lost from step order by oid, checked, pass desc
),
judged as materialized (
  select m.oid, m.polrelid, m.polname, m.polcmd, m.polpermissive, m.polroles, c.checked, m.expression,
         m.reads_row and w.shape ~ '@' as closed,
         m.reads_row and not w.leaky and (w.lost or (m.looks_up and w.shape !~ '@')) as undecided
    from marked m
    -- one row, of which the planner expects a thousand: it had better not loop
    cross join lateral regexp_split_to_table('', ',') as many
    join worked_off w on w.oid = m.oid and w.checked = m.checked
   cross join lateral unnest(case when m.checked or m.has_check then array[m.checked] else array[false, true] end)
         as c (checked)
),
met as materialized (
  select r.oid, r.tenant, r.command, r.checked, j.polname, j.polpermissive, j.closed, j.undecided, j.expression
    from reach r
    join judged j on j.polrelid = r.oid and j.checked = r.checked
   where j.polcmd in ('*', r.letter)
     and exists (select from unnest(j.polroles) as x where x = 0 or pg_has_role(r.tenant, x, 'USAGE'))
),
open as materialized (
  select distinct on (m.oid, m.tenant, m.command, m.checked) m.*
    from met m where m.polpermissive and not m.closed
   order by m.oid, m.tenant, m.command, m.checked, m.undecided, m.polname
),
floors as materialized (
  select m.oid, m.tenant, m.command, m.checked, min(m.polname) as policy from met m
   where not m.polpermissive and m.closed group by m.oid, m.tenant, m.command, m.checked
),
verdicts as materialized (
  select r.*, o.polname as policy, o.expression, o.undecided, f.policy as floor
    from reach r
    left join open o on o.oid = r.oid and o.tenant = r.tenant and o.command = r.command and o.checked = r.checked
    left join floors f on f.oid = r.oid and f.tenant = r.tenant and f.command = r.command and f.checked = r.checked
),
parents as materialized (
  select distinct on (d.child) d.child, format('%I.%I', n.nspname, c.relname) as relation,
         (select string_agg(format('p.%I = %I.%I', b.attname, k.relname, a.attname), ' and ')
            from unnest(d.conkey, d.confkey) as x (here, there)
            join pg_catalog.pg_attribute a on a.attrelid = d.child and a.attnum = x.here
            join pg_catalog.pg_attribute b on b.attrelid = d.parent and b.attnum = x.there) as clause
    from details d
    join pg_catalog.pg_class c on c.oid = d.parent
    join pg_catalog.pg_class k on k.oid = d.child
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   order by d.child, d.parent in (select oid from owned) desc, d.parent
),
worst as (
  select distinct on (v.oid) v.*, p.relation as parent, p.clause
    from verdicts v
    join parents p on p.child = v.oid
   order by v.oid, (v.policy is not null and v.floor is null) desc, v.undecided, v.checked, v.command
)
select w.relation as object,
       case when w.policy is null or w.floor is not null then 'pass' when w.undecided then 'skipped' else 'fail' end
         as outcome,
       case when w.policy is null then format('its policies go through %s, or keep to the session', w.parent)
            when w.floor is not null then format('the restrictive policy %I goes through %s, or keeps to the session',
                                                 w.floor, w.parent)
            when w.undecided then format('its rows belong to %s, and policy %I looks elsewhere: it could not be judged',
                                         w.parent, w.policy)
            else format('its rows belong to %s, but policy %I lets %I %s them without asking there%s', w.parent,
                        w.policy, w.role,
                        case w.command when 'SELECT' then 'read' when 'INSERT' then 'add' when 'DELETE' then 'delete'
                             else case when w.checked then 'move' else 'change' end end,
                        coalesce(': ' || regexp_replace(w.expression, '\s+', ' ', 'g'), '')) end as detail,
       format(
           E'select polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from '
            'pg_policy where polrelid = %L::regclass;\n'
              'begin;\nset local role %I;\n%s\nselect count(*) from %s;  -- expected: 0, that tenant has no '
              'rows\nrollback;', w.relation, w.role,
              (select c.statements from contexts c where c.kind = 'tenant' order by c.ordinality limit 1),
              w.relation) as evidence,
       format(
           E'drop policy if exists detail_floor on %1$s;\ncreate policy detail_floor on %1$s as restrictive using '
            '(exists (select from %2$s p where %3$s));', w.relation, w.parent, w.clause) as fix,
       null::text as severity
  from worst w
