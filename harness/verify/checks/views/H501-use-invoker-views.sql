-- code: H501
-- name: use-invoker-views
-- title: No view shows a tenant rows that row security would hide
-- severity: critical
-- kind: catalogue
-- uses: protected_tables, tenant_views, view_uses, view_edges, subject_roles, vocabulary, condition_grammar, contexts
-- sources: bypass catalogue row 32; https://www.postgresql.org/docs/current/rules-privileges.html
-- What is read without row security in any case counts too: a materialized view that was filled past it.
with bases as materialized (
  select t.oid, t.relation, t.relowner, t.relrowsecurity, t.relforcerowsecurity, t.tenant_columns
    from protected_tables t
  union all
  select v.oid, v.relation, v.relowner, false, false,
         (select array_agg(distinct a.attname::text) from pg_catalog.pg_attribute a
           where a.attrelid = v.oid and a.attnum > 0
             and a.attname::text in (select unnest(t.tenant_columns) from protected_tables t))
    from tenant_views v
    join pg_catalog.pg_roles o on o.oid = v.relowner
   where v.relkind = 'm'
     and exists (select from view_uses u join protected_tables t on t.oid = u.used
                  where u.view = v.oid
                    and (not t.relrowsecurity or o.rolsuper or o.rolbypassrls
                         or (not t.relforcerowsecurity and pg_has_role(o.oid, t.relowner, 'USAGE'))))
),
reaches as materialized (
  with recursive up as (
    select e.view, b.oid as base from view_edges e join bases b on b.oid = e.ref
    union
    select e.view, up.base from up join view_edges e on e.ref = up.view
  )
  select distinct v.oid from up join tenant_views v on v.oid = up.view and v.relkind = 'v'
),
entrances as materialized (
  select t.oid as tenant, t.role, v.oid as top, v.relation as top_relation, v.relowner, v.invoker, p.privileges
    from subject_roles t
   cross join tenant_views v
    join reaches r on r.oid = v.oid
   cross join lateral (select string_agg(lower(p.privilege), ', ') as privileges
                         from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as p (privilege)
                        where case p.privilege when 'DELETE' then has_table_privilege(t.oid, v.oid, p.privilege)
                                               else has_any_column_privilege(t.oid, v.oid, p.privilege) end) as p
   where p.privileges is not null and has_schema_privilege(t.oid, v.relnamespace, 'USAGE')
),
-- As whom each view of a chain reads: a definer view as its owner, an invoker view as the session's user, however deep.
walk as materialized (
  with recursive w as (
    select e.tenant, e.top, e.top as view, case when e.invoker then e.tenant else e.relowner end as reader
      from entrances e
    union
    select w.tenant, w.top, n.oid, case when n.invoker then w.tenant else n.relowner end
      from w
      join view_edges e on e.view = w.view
      join tenant_views n on n.oid = e.ref
      join reaches r on r.oid = n.oid
     where has_any_column_privilege(w.reader, n.oid, 'SELECT, INSERT, UPDATE')
  )
  select * from w
),
-- What the reader gets past: everything, if it is exempt; otherwise what the policies say that are for it and for no
-- tenant role.
readings as materialized (
  select w.tenant, w.top, w.view, w.reader, o.rolname as reader_name, b.oid as base, b.relation, b.relrowsecurity,
         o.rolsuper, o.rolbypassrls,
         w.reader <> w.tenant and (not b.relrowsecurity or o.rolsuper or o.rolbypassrls
                                   or (not b.relforcerowsecurity and pg_has_role(o.oid, b.relowner, 'USAGE')))
                                      as exempt,
         own.policy as own_policy, coalesce(own.everything, false) as own_everything
    from walk w
    join view_edges e on e.view = w.view
    join bases b on b.oid = e.ref
    join pg_catalog.pg_roles o on o.oid = w.reader
    left join lateral (select min(p.polname) as policy,
                       bool_or(pg_get_expr(p.polqual, p.polrelid) = 'true') as everything
                         from pg_catalog.pg_policy p
                        where p.polrelid = b.oid and p.polpermissive and p.polcmd in ('r', '*') and w.reader <> w.tenant
                          and exists (select from unnest(p.polroles) as r
                                       where r = 0 or pg_has_role(w.reader, r, 'USAGE'))
                          and not exists (select from unnest(p.polroles) as r
                                           where r = 0 or pg_has_role(w.tenant, r, 'USAGE'))
                          and not exists (select from pg_catalog.pg_policy f
                                           where f.polrelid = b.oid and not f.polpermissive and f.polcmd in ('r', '*')
                                             and exists (select from unnest(f.polroles) as r
                                                          where r = 0 or pg_has_role(w.reader, r, 'USAGE')))
                          and not exists (select from pg_catalog.pg_depend d
                                            join pg_catalog.pg_attribute a
                                              on a.attrelid = b.oid and a.attnum = d.refobjsubid
                                           where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                             and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = b.oid
                                             and a.attname = any (b.tenant_columns))) as own on true
   where has_any_column_privilege(w.reader, b.oid, 'SELECT, INSERT, UPDATE')
      or has_table_privilege(w.reader, b.oid, 'DELETE')
),
suspects as materialized (
  select distinct w.view from walk w where w.top in (select r.top from readings r where r.exempt)
),
mentioned as materialized (
  select m.view, count(*) as refs
    from (select s.view, x.relid[1]::oid as relid
            from suspects s
            join tenant_views w on w.oid = s.view
            join pg_catalog.pg_rewrite e on e.oid = w.rule
           cross join lateral regexp_matches(e.ev_action::text, ':rtekind 0 :relid (\d+) ', 'g') as x (relid)) as m
   where (m.relid in (select oid from bases union all select oid from reaches)) is true and m.relid <> m.view
   group by m.view
),
plain as materialized (
  select s.view,
         translate(regexp_replace(regexp_replace(pg_get_viewdef(s.view), $re$\mcurrent_setting\s*\(\s*'\w+\.[^']*'$re$,
                                                 'harness_context(_', 'gi'),
                                          $re$'(?:[^']|'')*'$re$, '_', 'g'), '@', '_') as definition,
         r.refs
    from suspects s
    join tenant_views w on w.oid = s.view
    join mentioned r on r.view = s.view
),
marked as materialized (
  select m.*,
         translate(
             regexp_replace(regexp_replace((select string_agg(g.shapes ->> upper(x.m[1]), '' order by x.n)
                                              from regexp_matches(m.definition, '(@|\(|\)|\w+)', 'g') with ordinality
                                                   as x (m, n)),
                                         '`!?d\^', '`', 'g'), 'fu|~(?!j)', '', 'g'), 'dfj', '') as shape
    from (select p.view, p.refs,
                 regexp_replace(regexp_replace(regexp_replace(regexp_replace(p.definition,
                   g.col || '(?=' || g.casts || '(?:=|\mIN\M)' || g.inside || v.context || ')', '@', 'gi'),
                   '(?<=' || v.context || g.before || ')' || g.col, '@', 'gi'),
                   g.col || '(?=' || g.casts || '(?:IN|=\s*ANY)\s*\(+\s*SELECT\M(?:[^()]|\([^()]*\))*=' || g.inside
                     || v.context || ')', '@', 'gi'),
                   '(?<=' || v.calls || '(?:[^()]*,)?\s*(?:[\w"$]+\.)?)' || g.col, '@', 'gi') as definition
            from plain p cross join vocabulary v cross join condition_grammar g) as m
   cross join condition_grammar g
),
worked_off as materialized (
  with recursive step as (
    select m.view, 0 as pass, m.shape, false as leaky, false as lost from marked m
    union all
    select s.view, s.pass + 1, translate(regexp_replace(z.t, '\([^()*]*@[^()*]*\)', '', 'g'), '*', '@'),
           s.leaky or y.t ~ '!@|@`' or z.t ~ '\([^()*]*@[^()*]*[|?][^()*]*\)|\([^()*]*[|?][^()*]*@[^()*]*\)',
           s.lost or z.t ~ '\([^()*]*@[^()*]*\)'
      from step s
     cross join condition_grammar g
     cross join lateral (select regexp_replace(regexp_replace(s.shape, '\$\([^()]*\)', '', 'g'), '\([^()@]*\)',
                                               '', 'g') as t) as y
     cross join lateral (select regexp_replace(regexp_replace(y.t, '!@|@`', '', 'g'), g.kept, '*', 'g') as t) as z
     where s.pass < 100 and s.shape ~ '\('
  )
  select distinct on (view) view, shape, leaky, lost from step order by view, pass desc
),
limits as materialized (
  -- undecided: compared with the context, but neither so that it limits the rows nor so that it plainly does not
  select m.view, w.lost and not w.leaky as undecided,
         -- each table is limited, or tied to another one
         m.refs <= (select count(*) from regexp_matches(m.definition, '@|' || g.tied, 'gi'))
         and not exists (select from regexp_split_to_table(w.shape, '&') as arm
                          where arm !~ '^[^%]*@|\^.*@' or arm ~ '!@|@`|\^.*\?'
                             or exists (select
                                          from regexp_split_to_table(regexp_replace(arm, '^.*[\^#]', ''), '\|')
                                               as branch where arm ~ '\^.*\|' and branch !~ '@')
                             or (arm ~ '~' and arm !~ '#.*@')) as bound
    from marked m join worked_off w on w.view = m.view cross join condition_grammar g
),
-- What a view leaves open is closed again if every view on the way to it limits the rows.
open as materialized (
  with recursive w as (
    select e.tenant, e.top, e.top as view, coalesce(l.bound, false) as bound, coalesce(l.bound, false) as bound_here,
           coalesce(l.undecided, false) as undecided
      from entrances e left join limits l on l.view = e.top
    union
    select w.tenant, w.top, n.oid, w.bound or coalesce(l.bound, false), coalesce(l.bound, false), w.undecided
           or coalesce(l.undecided, false)
      from w
      join view_edges e on e.view = w.view
      join suspects n (oid) on n.oid = e.ref
      left join limits l on l.view = n.oid
  )
  select * from w
),
verdicts as materialized (
  select v.oid, v.relation, v.barrier, w.tenant, w.top, r.*, e.role, e.top_relation, e.privileges,
         coalesce(o.undecided, false) as undecided,
         coalesce(o.bound, false) as bound, coalesce(o.bound_here, false) as bound_here,
         case when r.exempt is not true and not coalesce(r.own_policy is not null, false) then 0
              when r.exempt and o.bound and (not o.bound_here or v.barrier) then 0
              when r.exempt and o.bound then 1
              when r.exempt and o.undecided then 2
              when r.exempt or r.own_everything then 4
              else 3 end as rank
    from walk w
    join tenant_views v on v.oid = w.view
    join entrances e on e.tenant = w.tenant and e.top = w.top
    left join (select tenant as t, top as p, view as q, reader_name, base, relation as base_relation, relrowsecurity,
               rolsuper, rolbypassrls, exempt, own_policy, own_everything
                 from readings) as r on r.t = w.tenant and r.p = w.top and r.q = w.view
    left join open o on o.tenant = w.tenant and o.top = w.top and o.view = w.view
),
worst as (
  -- a way in that leads straight to the view convinces more than one through another view
  select distinct on (v.oid) v.* from verdicts v order by v.oid, v.rank desc, v.bound, v.top_relation <> v.relation,
         v.role, v.base_relation
)
select w.relation as object,
       case when w.rank in (2, 3) then 'skipped' when w.rank in (1, 4) then 'fail' else 'pass' end as outcome,
       case w.rank
         when 0 then case when w.exempt then 'it limits its rows to the context by itself'
                          else 'its tables are read with row security' end
         when 1
         then format(
             'it limits the rows of %s to the context by itself, but is no security barrier: a function in a query''s '
             'WHERE may see rows before that', w.base_relation)
         when 2
         then format(
             'it reads %s as %I, past row security, and compares with the context in a way that could not be judged',
             w.base_relation, w.reader_name)
         when 3 then format('it reads %s as %I, whose policy %I no tenant role has', w.base_relation, w.reader_name,
                            w.own_policy)
         else format('%I has %s%s, which reads %s as %I: %s', w.role, w.privileges,
                     case when w.top_relation <> w.relation then format(' on %s', w.top_relation) else ' on it' end
                     || case when w.top_relation <> w.relation then ' and so reaches this view' else '' end,
                     w.base_relation, w.reader_name,
                     case when not w.exempt then format('its policy %I lets everything through', w.own_policy)
                          when not w.relrowsecurity then 'that has no row security'
                          when w.rolsuper then 'a superuser' when w.rolbypassrls then 'which has BYPASSRLS'
                          else 'the table''s owner, whom row security does not bind without FORCE' end) end as detail,
       case when w.rank > 0 then format(E'begin;\nset local role %I;\n%s\n%s\nrollback;', w.role,
                                        (select c.statements from contexts c where c.kind = 'tenant'
                                          order by c.ordinality limit 1),
                                        case when has_table_privilege(w.tenant, w.top, 'SELECT')
                                             then format(
                                                 'select * from %s limit 10;  -- expected: no row of another tenant',
                                                 w.top_relation)
                                             when has_any_column_privilege(w.tenant, w.top, 'SELECT')
                                             then format(
                                                 'select count(*) from %s;  -- expected: no row of another tenant',
                                                 w.top_relation)
                                             when has_table_privilege(w.tenant, w.top, 'DELETE')
                                             then format('explain delete from %s;  -- expected: a filter on the tenant',
                                                         w.top_relation)
                                             else format(
                                                 'select pg_get_viewdef(%L::regclass, true);  -- expected: a filter on '
                                                 'the tenant', w.relation) end) end as evidence,
       case when w.rank = 1 then format('alter view %s set (security_barrier = true);', w.relation)
            when current_setting('server_version_num')::int >= 150000
            then format('alter view %s set (security_invoker = true);', w.relation)
            -- PostgreSQL 14 has no security_invoker: every way in is closed
            else (select string_agg(distinct format('revoke all on %s from %s;', v.top_relation,
                                                    case a.grantee when 0 then 'public'
                                                         else quote_ident(k.rolname) end), E'\n')
                    from verdicts v
                    join pg_catalog.pg_class c on c.oid = v.top
                   cross join aclexplode(c.relacl) as a
                    left join pg_catalog.pg_roles k on k.oid = a.grantee
                   where v.oid = w.oid and v.rank > 0
                     and (a.grantee = 0
                          or exists (select from subject_roles t where pg_has_role(t.oid, a.grantee, 'USAGE')))) end
                             as fix,
       case when w.rank = 1 then 'low' end as severity
  from worst w
