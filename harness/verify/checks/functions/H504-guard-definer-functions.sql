-- code: H504
-- name: guard-definer-functions
-- title: No SECURITY DEFINER function does for a tenant what row security would refuse
-- severity: critical
-- kind: catalogue
-- uses: subject_roles, protected_tables, tenant_views, view_uses, vocabulary, condition_grammar
-- sources: bypass catalogue row 35;
--   https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
with functions as materialized (
  select p.oid, p.proname, n.nspname, p.pronamespace, p.proowner, p.prosecdef, p.proretset, p.prorettype, p.proargnames,
         l.lanname, o.rolname as owner,
         format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as signature,
         case p.prokind when 'p' then 'procedure' else 'function' end as kind,
         pg_get_function_sqlbody(p.oid) is not null as parsed,
         coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body,
         o.rolsuper or o.rolbypassrls as bypasses
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
    join pg_catalog.pg_roles o on o.oid = p.proowner
   where p.oid >= 16384 and p.prokind in ('f', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
     and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
callable as materialized (
  select f.oid, string_agg(quote_ident(t.role), ', ' order by t.role) as roles, min(t.role) as role
    from functions f
    join subject_roles t on has_function_privilege(t.oid, f.oid, 'EXECUTE')
                  and (has_schema_privilege(t.oid, f.pronamespace, 'USAGE')
                       -- what a view, a policy or a default calls is not looked up by name
                       or exists (select from pg_catalog.pg_depend d
                                   where d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = f.oid
                                     and d.classid in ('pg_catalog.pg_rewrite'::regclass,
                                                       'pg_catalog.pg_policy'::regclass,
                                                       'pg_catalog.pg_attrdef'::regclass)))
   where f.prosecdef
   group by f.oid
),
-- Comments go first, then strings: what is left is code. A setting of one's own that is read keeps a name.
code as materialized (
  select f.oid, c.commentless,
         translate(regexp_replace(regexp_replace(c.commentless, $re$\mcurrent_setting\s*\(\s*'\w+\.[^']*'$re$,
                                                 'harness_context(_', 'gi'),
                                  $re$'(?:[^']|'')*'$re$, '_', 'g'), '@', '_') as code
    from functions f
   cross join lateral (select regexp_replace(f.body, $re$('(?:[^']|'')*')|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/$re$,
                                             '\1', 'g') as commentless) as c
   where f.lanname in ('sql', 'plpgsql')
),
-- Who calls whom, by name; an invoker function that a definer function calls has the rights of the latter's owner.
calls as materialized (
  with recursive chain as (
    select f.oid as top, f.oid as callee, f.proowner as reader, 0 as depth from functions f
      join callable c on c.oid = f.oid
    union
    select c.top, g.oid, case when g.prosecdef then g.proowner else c.reader end, c.depth + 1
      from chain c
      join code k on k.oid = c.callee
     cross join lateral regexp_matches(lower(k.code), '(?:([\w$]+)\.|\m)([\w$]+)\s*\(', 'g') as m (name)
      join functions g on g.proname = m.name[2] and (m.name[1] is null or g.nspname = m.name[1])
     where c.depth < 4 and g.oid <> c.callee
  )
  select top, callee, reader, min(depth) as depth from chain group by top, callee, reader
),
-- Where a statement takes rows from or puts them, and whether that role is exempt there.
relations as materialized (
  select t.oid, c.relname, c.relnamespace::regnamespace::text as nspname, t.relation, t.relowner, t.relrowsecurity,
         t.relforcerowsecurity from protected_tables t join pg_catalog.pg_class c on c.oid = t.oid
  union all
  select v.oid, c.relname, c.relnamespace::regnamespace::text, v.relation, t.relowner, t.relrowsecurity,
         t.relforcerowsecurity
    from tenant_views v
    join view_uses u on u.view = v.oid
    join protected_tables t on t.oid = u.used
    join pg_catalog.pg_class c on c.oid = v.oid
   where v.invoker or v.relkind = 'm'  -- a definer view reads as its own owner: H501
),
statements as materialized (
  select x.callee, s.n, s.text
    from (select distinct callee from calls) as x
    join code k on k.oid = x.callee
   cross join lateral regexp_split_to_table(k.code, ';') with ordinality as s (text, n)
),
sources as materialized (
  select s.callee, s.n, r.relation, r.relowner, r.relrowsecurity, r.relforcerowsecurity, m.word ~* '^into' as put
    from statements s
   -- one row, of which the planner expects a thousand: it had better not loop
   cross join lateral regexp_split_to_table('', ',') as many
   cross join lateral (
     select lower(m[1]) as word, m[2] as schema, m[3] as name
       from regexp_matches(s.text,
                           '\m(from|join|into|update|only|using|truncate|table)\s+(?:only\s+)?(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)', 'gi') as m
     union all
     select 'from', m[1], m[2]
       from regexp_matches(s.text, '\mfrom\s+((?:[\w$."]+(?:\s+(?:as\s+)?[\w$"]+)?\s*,\s*)+[\w$."]+)', 'gi')
            as l (list),
            regexp_split_to_table(l.list[1], ',') with ordinality as i (item, pos),
            regexp_matches(i.item, '^\s*(?:("(?:[^"]|"")+"|[\w$]+)\.)?("(?:[^"]|"")+"|[\w$]+)', 'g') as m
      where i.pos > 1) as m
    join relations r
      on r.relname = case when m.name like '"%' then replace(substr(m.name, 2, length(m.name) - 2), '""', '"')
                          else lower(m.name) end
                    and (m.schema is null
                         or r.nspname = case when m.schema like '"%' then m.schema else lower(m.schema) end)
),
touched as materialized (
  select c.top, c.callee, c.reader, s.n, min(s.relation) as relation,
         count(distinct s.relation) filter (where not s.put) as taken,
         bool_or(not s.relrowsecurity or o.rolsuper or o.rolbypassrls
                 or (not s.relforcerowsecurity and pg_has_role(o.oid, s.relowner, 'USAGE'))) as exempt
    from calls c
    join sources s on s.callee = c.callee
    join pg_catalog.pg_roles o on o.oid = c.reader
   group by c.top, c.callee, c.reader, s.n
),
-- What stands for the context in a function: the functions and settings, and the variables that were set from them.
words as materialized (
  select k.oid, '(?:' || v.context || coalesce('|\m(?:' || (
           select string_agg(distinct m[1], '|')
             from (select m[1] as a, null as b
                     from regexp_matches(k.code, '([\w$]+)\s*(?:constant\s+)?(?:[\w$."]+\s*)?(?::=|\mdefault\M)'
                                         || g.inside || v.context, 'gi') as m
                   union all
                   select m[1], null
                     from regexp_matches(k.code, '\minto\s+(?:strict\s+)?([\w$]+)[^;]*=' || g.inside || v.context,
                                         'gi') as m
                   union all
                   select m[1], null
                     from regexp_matches(k.code, '\mselect' || g.inside || v.context
                                         || '[^;]*\minto\s+(?:strict\s+)?([\w$]+)', 'gi') as m) as found,
                  lateral (select array[found.a]) as w (m)) || ')\M', '') || ')' as context
    from code k cross join vocabulary v cross join condition_grammar g
   where k.oid in (select callee from touched where exempt) or k.oid in (select oid from callable)
),
-- A function that leaves when the tenant is not the one that it was asked for.
guarded as materialized (
  select k.oid
    from code k
    join words w on w.oid = k.oid
   cross join vocabulary v
   where k.code ~* ('\mif\M(?:(?!\mthen\M)[^;])*(?:' || w.context
                    || '(?:(?!\mthen\M)[^;])*(?:<>|!=|\mdistinct\s+from\M|=)|(?:<>|!=|\mdistinct\s+from\M|=)(?:(?!\mthen\M)[^;])*' || w.context
                    || '|\mnot\s+' || v.calls || '|\mnot\s+exists\M(?:(?!\mthen\M)[^;])*' || w.context
                      || ')(?:(?!\mthen\M)[^;])*\mthen\M\s*\m(?:raise|return)\M')
),
marked as materialized (
  select m.*,
         translate(
             regexp_replace(regexp_replace((select string_agg(g.shapes ->> upper(x.m[1]), '' order by x.n)
                                              from regexp_matches(m.text, '(@|\(|\)|\w+)', 'g') with ordinality
                                                   as x (m, n)),
                                         '`!?d\^', '`', 'g'), 'fu|~(?!j)', '', 'g'), 'dfj', '') as shape
    from (select t.callee, t.n, t.taken, s.text ~* w.context as mentions,
                 regexp_replace(regexp_replace(regexp_replace(regexp_replace(s.text,
                   g.col || '(?=' || g.casts || '(?:=|\mIN\M)' || g.inside || w.context || ')', '@', 'gi'),
                   '(?<=' || w.context || g.before || ')' || g.col, '@', 'gi'),
                   g.col || '(?=' || g.casts || '(?:IN|=\s*ANY)\s*\(+\s*SELECT\M(?:[^()]|\([^()]*\))*=' || g.inside
                     || w.context || ')', '@', 'gi'),
                   '(?<=' || v.calls || '(?:[^()]*,)?\s*(?:[\w"$]+\.)?)' || g.col, '@', 'gi') as text
            from (select callee, n, max(taken) as taken from touched where exempt group by callee, n) as t
            join statements s on s.callee = t.callee and s.n = t.n
            join words w on w.oid = t.callee
           cross join vocabulary v
           cross join condition_grammar g) as m
   cross join condition_grammar g
),
worked_off as materialized (
  with recursive step as (
    select m.callee, m.n, 0 as pass, m.shape, false as leaky, false as lost from marked m
    union all
    select s.callee, s.n, s.pass + 1, translate(regexp_replace(z.t, '\([^()*]*@[^()*]*\)', '', 'g'), '*', '@'),
           s.leaky or y.t ~ '!@|@`' or z.t ~ '\([^()*]*@[^()*]*[|?][^()*]*\)|\([^()*]*[|?][^()*]*@[^()*]*\)',
           s.lost or z.t ~ '\([^()*]*@[^()*]*\)'
      from step s
     cross join condition_grammar g
     cross join lateral (select regexp_replace(regexp_replace(s.shape, '\$\([^()]*\)', '', 'g'), '\([^()@]*\)',
                                               '', 'g') as t) as y
     cross join lateral (select regexp_replace(regexp_replace(y.t, '!@|@`', '', 'g'), g.kept, '*', 'g') as t) as z
     where s.pass < 100 and s.shape ~ '\('
  )
  select distinct on (callee, n) callee, n, shape, leaky, lost from step order by callee, n, pass desc
),
limits as materialized (
  select m.callee, m.n, w.lost and not w.leaky as undecided,
         g.oid is not null
         -- a row that is put needs the context among its values
         or (m.taken = 0 and m.mentions)
         -- each table is limited, or tied to another one
         or (m.taken > 0 and m.taken <= (select count(*) from regexp_matches(m.text, '@|' || r.tied, 'gi'))
            
             and not exists (select from regexp_split_to_table(w.shape, '&') as arm
                              where arm !~ '[\^#].*@' and arm !~ '^[^\^#u]*@[^\^#u]*$|^[^%u]*@%'
                                 or arm ~ '!@|@`|[\^#].*\?'
                                 or exists (select
                                              from regexp_split_to_table(regexp_replace(arm, '^.*[\^#]', ''), '\|')
                                                   as branch where arm ~ '[\^#].*\|' and branch !~ '@')
                                 or (arm ~ '[~u]' and arm !~ '#.*@'))) as bound
    from marked m
    join worked_off w on w.callee = m.callee and w.n = m.n
   cross join condition_grammar r
    left join guarded g on g.oid = m.callee
),
dynamic as materialized (
  select c.top, bool_or(k.code ~* '\mexecute\M' and f.lanname = 'plpgsql') as runs,
         -- an argument's text becomes SQL: glued on as it is, or through %s
         bool_or(f.lanname = 'plpgsql' and k.code ~* '\mexecute\M' and cardinality(f.proargnames) > 0
                 and (k.code ~* ('\|\|\s*\(*\s*(?:' || a.names || ')\M')
                      or k.code ~* ('(?:\mexecute\M|:=)\s*(?:' || a.names || ')\s*(?:;|\|\||\musing\M)')
                      or k.commentless ~* ('\mformat\s*\(\s*''(?:[^'']|'''')*%(?:\d+\$)?s(?:[^'']|'''')*''[^;]*\m(?:'
                                           || a.names || ')\M'))) as pastes
    from calls c
    join functions f on f.oid = c.callee
    join code k on k.oid = c.callee
   cross join lateral (select coalesce(string_agg(regexp_replace(x, '([^\w])', '\\\1', 'g'), '|'), 'harness_nothing')
                       as names
                         from unnest(f.proargnames) as x where x <> '') as a
   where f.prosecdef or c.depth > 0
   group by c.top
),
verdicts as (
  select f.*, c.roles, c.role, x.relation, x.callee, coalesce(d.pastes, false) as pastes,
         case when d.pastes and w.exempt then 6
              when x.exempt and not l.bound and not l.undecided and (x.callee = f.oid or not own.mentions) then 5
              when x.exempt and not l.bound then 3
              when d.runs and w.exempt and g.oid is null then 2
              when f.lanname not in ('sql', 'plpgsql') and w.exempt then 1
              when x.top is null then -1
              else 0 end as rank
    from functions f
    join callable c on c.oid = f.oid
    left join touched x on x.top = f.oid
    left join limits l on l.callee = x.callee and l.n = x.n
    left join dynamic d on d.top = f.oid
    left join guarded g on g.oid = f.oid
   cross join lateral (select exists (select from protected_tables t
                                       where not t.relrowsecurity or f.bypasses
                                          or (not t.relforcerowsecurity
                                              and pg_has_role(f.proowner, t.relowner, 'USAGE'))) as exempt) as w
   cross join lateral (select coalesce((select k.code ~* wd.context from code k join words wd on wd.oid = k.oid
                                         where k.oid = f.oid), false) as mentions) as own
),
worst as (
  select distinct on (v.oid) v.*,
         exists (select from code k
                  where k.oid = v.oid
                    and k.code ~* '\m(?:insert\s+into|update\s+(?!of\M)[\w$."]+|delete\s+from|merge\s+into|truncate)\M')
                        as writes
    from verdicts v order by v.oid, v.rank desc, v.relation
)
select w.signature as object,
       case when w.rank in (1, 2, 3) then 'skipped' when w.rank in (5, 6) then 'fail' else 'pass' end as outcome,
       case w.rank
         when 6 then format('%s can run it as %I, past row security, and it pastes an argument into SQL that it runs',
                            w.roles, w.owner)
         when 5
         then format(
             '%s can run it as %I: it reaches %s past row security%s and does not keep to the tenant of the session',
             w.roles, w.owner, w.relation,
                            case when w.callee <> w.oid
                                 then format(' (through %s)',
                                             (select c.signature from functions c where c.oid = w.callee)) else '' end)
         when 3
         then format(
             'it reaches %s as %I, past row security, and compares with the context in a way that could not be judged',
             w.relation, w.owner)
         when 2 then format('it runs dynamic SQL as %I, whom row security does not bind', w.owner)
         when 1 then format('it runs as %I, whom row security does not bind, and its language %I cannot be read',
                            w.owner, w.lanname)
         else case when exists (select from touched t where t.top = w.oid and t.exempt)
                   then 'it keeps to the tenant of the session'
                   else format('row security binds its owner %I', w.owner) end end as detail,
       case when w.rank > 0
            then format(
                E'select pg_get_functiondef(%L::regprocedure);\nselect has_function_privilege(%L, %L, ''EXECUTE'');',
                w.oid::regprocedure, w.role, w.oid::regprocedure) end as evidence,
       -- it goes on to work for whoever may reach the rows anyway
       case when w.rank > 0 then format('alter %s %s security invoker;', w.kind, w.signature) end as fix,
       case when w.rank = 5 and not w.writes and w.prorettype = 'bool'::regtype and not w.proretset then 'low'
            when w.rank = 5 and not w.writes and not w.proretset
                 and w.prorettype in (select t.oid from pg_catalog.pg_type t
                                       where t.typtype in ('b', 'e', 'd') and t.typcategory not in ('A', 'U'))
                                       then 'high' end as severity
  from worst w
 where w.rank >= 0
