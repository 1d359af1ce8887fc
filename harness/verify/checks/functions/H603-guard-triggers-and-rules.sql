-- code: H603
-- name: guard-triggers-and-rules
-- title: What a tenant's write sets off stays with the tenant
-- severity: medium
-- kind: catalogue
-- uses: subject_roles, protected_tables, tenant_views, view_uses, vocabulary
-- sources: bypass catalogue row 42; https://www.postgresql.org/docs/current/rules-privileges.html;
--   https://www.postgresql.org/docs/current/sql-createtrigger.html
-- Rules act as the owner of the relation that they are on, whoever wrote to it.
with rules as materialized (
  select r.oid, r.rulename, format('%I.%I', n.nspname, c.relname) as relation, c.relkind, r.is_instead,
         c.relowner as actor, o.rolname as actor_name, w.role, w.command,
         pg_get_ruledef(r.oid) as definition,
         touched.relation as touched, touched.tenant_columns, touched.exempt
    from pg_catalog.pg_rewrite r
    join pg_catalog.pg_class c on c.oid = r.ev_class and c.oid >= 16384 and c.relpersistence <> 't'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_roles o on o.oid = c.relowner
    left join lateral (
      select t.role, k.command
        from subject_roles t
       cross join lateral (select case r.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' else 'DELETE' end
                           as command) as k
       where has_schema_privilege(t.oid, c.relnamespace, 'USAGE')
         and case k.command when 'DELETE' then has_table_privilege(t.oid, c.oid, 'DELETE')
                  else has_any_column_privilege(t.oid, c.oid, k.command) end
       order by t.role limit 1) as w on true
    left join lateral (
      select b.relation, b.tenant_columns,
             not b.relrowsecurity or o.rolsuper or o.rolbypassrls
               or (not b.relforcerowsecurity and pg_has_role(o.oid, b.relowner, 'USAGE')) as exempt
        from protected_tables b
       where b.oid in (select m.id[1]::oid
                         from regexp_matches(r.ev_action::text, ':rtekind 0 :relid (\d+) ', 'g') as m (id))
         -- OLD and NEW of a table's own rule are the statement's, and its policies apply
         and (b.oid <> c.oid
              or (select count(*) from regexp_matches(r.ev_action::text, ':rtekind 0 :relid ' || b.oid || ' ', 'g'))
                 > (select count(*) from regexp_matches(r.ev_action::text, ':aliasname (?:old|new) ', 'g')) / 2)
       order by 3 desc, 1 limit 1) as touched on true
   where r.ev_type <> '1' and (c.oid in (select oid from protected_tables) or touched.relation is not null)
),
triggers as materialized (
  select g.oid, g.tgname, t.relation, p.oid as function, format('%I.%I()', n.nspname, p.proname) as signature,
         p.prosecdef, p.proowner, o.rolname as actor_name,
         o.rolsuper or o.rolbypassrls as bypasses, l.lanname, coalesce(k.code, '') as code,
         (g.tgtype & 64) <> 0 as instead, w.role,
         own.role as replaceable_by
    from (select t.oid, t.relation, t.relowner from protected_tables t
          union all
          select v.oid, v.relation, v.relowner from tenant_views v where v.oid in (select u.view from view_uses u)) as t
    join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal and g.tgparentid = 0
     and g.tgenabled in ('O', 'A')
    join pg_catalog.pg_proc p on p.oid = g.tgfoid
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
    join pg_catalog.pg_roles o on o.oid = p.proowner
   cross join lateral (select translate(regexp_replace(regexp_replace(regexp_replace(p.prosrc,
                                          $re$('(?:[^']|'')*')|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/$re$, '\1', 'g'),
                                          $re$\mcurrent_setting\s*\(\s*'\w+\.[^']*'$re$, 'harness_context(_', 'gi'),
                                          $re$'(?:[^']|'')*'$re$, '_', 'g'), '@', '_') as code
                        where p.prosecdef) as k
    left join lateral (
      select x.role from subject_roles x
       where ((g.tgtype & 4) <> 0 and has_any_column_privilege(x.oid, t.oid, 'INSERT'))
          or ((g.tgtype & 16) <> 0 and has_any_column_privilege(x.oid, t.oid, 'UPDATE'))
          or ((g.tgtype & 8) <> 0 and has_table_privilege(x.oid, t.oid, 'DELETE'))
          or ((g.tgtype & 32) <> 0 and has_table_privilege(x.oid, t.oid, 'TRUNCATE'))
       order by x.role limit 1) as w on true
    left join lateral (select x.role from subject_roles x where pg_has_role(x.oid, p.proowner, 'USAGE') order by x.role
                        limit 1) as own on p.proowner <> t.relowner
),
-- The statements of a definer's trigger function that write to tables it is exempt on.
writes as materialized (
  select g.function, b.relation as target, s.text
    from (select distinct function, code, bypasses, proowner from triggers where prosecdef) as g
   cross join lateral regexp_split_to_table(g.code, ';') as s (text)
   cross join lateral regexp_matches(s.text,
                                     '\m(?:insert\s+into|update(?:\s+only)?|delete\s+from(?:\s+only)?|merge\s+into|truncate(?:\s+table)?)\s+(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)', 'gi') as m (name)
    join pg_catalog.pg_class c
      on c.relname = case when m.name[2] like '"%' then replace(substr(m.name[2], 2, length(m.name[2]) - 2), '""', '"')
                          else lower(m.name[2]) end
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     and (m.name[1] is null
          or n.nspname = replace(case when m.name[1] like '"%' then m.name[1] else lower(m.name[1]) end, '"', ''))
    join protected_tables b on b.oid = c.oid
   where (g.bypasses or not b.relrowsecurity
          or (not b.relforcerowsecurity and pg_has_role(g.proowner, b.relowner, 'USAGE')))
),
loose as materialized (
  select g.oid, min(w.target) as target
    from writes w
    join triggers g on g.function = w.function
   cross join vocabulary v
   -- the row at hand is the tenant's own, since its policies have let it in or will refuse the statement; INSTEAD OF
   -- leaves no statement to refuse
   where case when g.instead then g.code else w.text end !~* (case when g.instead then '' else '\m(?:new|old)\M|' end
                                                              || v.context)
   group by g.oid
)
select format('rule %I on %s', r.rulename, r.relation) as object,
       case when x.open then 'fail' else 'pass' end as outcome,
       case when r.touched is null then 'it touches no other tenant table'
            when not r.exempt then format('it reaches %s under row security', r.touched)
            when r.role is null then 'no tenant role can set it off'
            when not x.open then 'what it writes belongs to the row that set it off'
            else format('%s by %I on %s makes it reach %s as %I, past row security', lower(r.command), r.role,
                        r.relation, r.touched, r.actor_name) end as detail,
       case when x.open then format('select pg_get_ruledef(%s);', r.oid) end as evidence,
       case when x.open then format('drop rule %I on %s;', r.rulename, r.relation) end as fix,
       case when x.open and r.is_instead then 'high' end as severity
  from rules r
 cross join vocabulary v
 cross join lateral (
   select r.touched is not null and r.exempt and r.role is not null
          -- the statement itself is refused if the row is a stranger's; with INSTEAD there is no statement left to
          -- refuse
          and (case when r.is_instead
                    then translate(regexp_replace(r.definition, $re$\mcurrent_setting\s*\(\s*'\w+\.[^']*'$re$,
                                                  'harness_context(_', 'gi'), '@', '_') !~* v.context
                    else not coalesce((
                        select bool_or(r.definition ~* ('\m(?:new|old)\.'
                                                        || regexp_replace(quote_ident(c), '([^\w])', '\\\1', 'g')))
                                                          from unnest(r.tenant_columns) as c), false) end) as open) as x
union all
select format('trigger %I on %s', g.tgname, g.relation),
       case when x.rank = 0 then 'pass' when x.rank = 1 then 'skipped' else 'fail' end,
       case x.rank
         when 3 then format('%I may replace its function %s, which runs with the rights of whoever writes to %s',
                            g.replaceable_by, g.signature, g.relation)
         when 2
         then format('a write by %I to %s makes %s write to %s as %I, past row security, and not for the row at hand',
                     g.role, g.relation, g.signature, l.target, g.actor_name)
         when 1 then format('%s runs %s as %I, whom row security does not bind', g.signature,
                            case when g.lanname = 'plpgsql' then 'dynamic SQL' else format('code in %I', g.lanname) end,
                            g.actor_name)
         else case when not g.prosecdef then 'it runs with the rights of whoever writes'
                   when g.role is null then 'no tenant role can set it off'
                   else 'what it writes belongs to the row that set it off' end end,
       case when x.rank > 0
            then format(
                E'select tgname, tgfoid::regprocedure, pg_get_triggerdef(oid) from pg_trigger where oid = %s;\nselect '
                 'pg_get_functiondef(%L::regprocedure);', g.oid, g.function::regprocedure) end,
       case x.rank when 3 then format('alter function %s owner to %I;', g.signature, current_user)
                   else format('alter function %s security invoker;', g.signature) end,
       case when x.rank = 3 then 'high' end
  from triggers g
  left join loose l on l.oid = g.oid
 cross join lateral (
   select case when g.replaceable_by is not null then 3
               when g.role is null or not g.prosecdef then 0
               when l.oid is not null then 2
               when (g.bypasses
                     or exists (select from protected_tables t
                                 where not t.relrowsecurity
                                    or (not t.relforcerowsecurity and pg_has_role(g.proowner, t.relowner, 'USAGE'))))
                    and (g.lanname not in ('plpgsql', 'sql', 'c', 'internal')
                         or (g.lanname = 'plpgsql' and g.code ~* '\mexecute\M')) then 1
               else 0 end as rank) as x
union all
-- Its function runs as whoever creates, alters or drops something.
select format('event trigger %I', e.evtname), 'fail',
       format('%I may replace its function %s, which runs with the rights of whoever changes the schema', t.role,
              e.evtfoid::regprocedure),
       format(
           'select evtname, evtfoid::regprocedure, p.proowner::regrole from pg_event_trigger join pg_proc p on p.oid = '
           'evtfoid where evtname = %L;', e.evtname),
       format('alter function %s owner to %I;', e.evtfoid::regprocedure, current_user), 'high'
  from pg_catalog.pg_event_trigger e
  join pg_catalog.pg_proc p on p.oid = e.evtfoid
  join lateral (select t.role from subject_roles t where pg_has_role(t.oid, p.proowner, 'USAGE') order by t.role
                 limit 1) as t on true
