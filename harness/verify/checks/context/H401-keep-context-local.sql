-- code: H401
-- name: keep-context-local
-- title: No function that the application can call leaves the tenant's context in the session
-- severity: high
-- kind: catalogue
-- uses: model, tenant_roles
-- sources: bypass catalogue row 27; https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET;
--   https://www.pgbouncer.org/features.html
-- The catalogue records no dependency on a setting, so that the text has to be read: without its comments, and nothing
-- counts but a setting of the configuration that is named in it literally.
with names as materialized (
  select string_agg(distinct replace(s.name, '.', '\.'), '|') as quoted,
         string_agg(distinct '"?' || replace(s.name, '.', '"?\s*\.\s*"?') || '"?', '|') as bare,
         string_agg(distinct split_part(s.name, '.', 1), '|') as prefixes
    from model, jsonb_array_elements(model -> 'contexts') as c, jsonb_object_keys(c -> 'settings') as s (name)
),
-- an argument list, five parentheses deep
lists as materialized (
  select format(p, format(p, format(p, format(p, '\((?:[^()'']|''[^'']*'')*\)')))) as nested
    from (values ('\((?:[^()'']|''[^'']*''|%s)*\)')) as v (p)
),
patterns as materialized (
  -- set_config('app.tenant_id', …, ): 1 all before the last argument, 2 its value. To clear it for the session is fine.
  select
         $re$(\mset_config\s*\(\s*e?'{1,2}(?:$re$ || n.quoted
           || $re$)'{1,2}(?:::\w+)?\s*,(?!\s*(?:'{2}|'{4}|null)(?:::\w+)?\s*,)(?:[^()']|'[^']*'|$re$ || l.nested
             || $re$)*,\s*)$re$ as call,
         $re$('{1,2}f(?:alse)?'{1,2}(?:::\w+)?|false)\s*\)$re$ as ends_false,
         $re$('{1,2}t(?:rue)?'{1,2}(?:::\w+)?|true)\s*\)$re$ as ends_true,
         $re$([^,()']+)\s*\)$re$ as ends_somehow,
         -- SET app.tenant_id at the beginning of a statement: 1 until there, 2 the name and what makes it an assignment
         $re$((?:^|[;'$]|\m(?:begin|then|else|loop|atomic)\M)\s*set\s+)(?:session\s+)?((?:$re$ || n.bare
           || $re$)\s*(?:=|to\M)(?!\s*(?:default\M|(?:'{2}|'{4,5})(?!'))))$re$ as command,
         n.prefixes
    from names n, lists l
   where n.quoted is not null
),
bodies as materialized (
  select p.oid, p.pronamespace, p.proowner, n.nspname, p.proname, b.body,
         regexp_replace(regexp_replace(b.body, '/\*.*?\*/', ' ', 'g'), '--[^\n]*', '', 'g') as code
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname not in ('pg_catalog', 'information_schema')
    join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname not in ('internal', 'c')
   cross join patterns t
   cross join lateral (select coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body) as b
   where p.prokind in ('f', 'p')
     and b.body ~* ('\mset' ) and b.body ~* ('\m(' || t.prefixes || ')\M')
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
found as materialized (
  select b.*, b.code ~* (t.call || t.ends_false) or b.code ~* t.command as session,
         b.code ~* (t.call || t.ends_somehow) and b.code !~* (t.call || t.ends_true) as somehow
    from bodies b, patterns t
   where b.code ~* t.call or b.code ~* t.command
),
-- Tenant roles, and the logins that the application uses them from. Owners may call anything; what is for them alone is
-- for operators.
callers as materialized (
  select k.oid, k.rolname, t.role is not null as tenant
    from pg_catalog.pg_roles k
    left join tenant_roles t on t.role = k.rolname
   where not k.rolsuper
     and (t.role is not null
          or k.rolcanlogin and exists (select from tenant_roles x join pg_catalog.pg_roles o on o.rolname = x.role
                                        where pg_has_role(k.oid, o.oid,
                                                          case when current_setting('server_version_num')::int >= 160000
                                                               then 'SET' else 'MEMBER' end)))
)
select m.object,
       case when m.caller is not null and (m.session or m.somehow) then 'fail' else 'pass' end as outcome,
       case when not (m.session or m.somehow) then 'sets the context for the transaction only'
            when m.caller is null then 'leaves the context in the session; the application can''t call it'
            when m.session
            then format(
                'leaves the tenant''s context in the session: behind a pool it is there for whoever gets the '
                'connection next (%s)', m.caller)
            else format('lets its caller leave the tenant''s context in the session (%s)', m.caller) end as detail,
       case when m.caller is not null and (m.session or m.somehow)
            then format('select pg_get_functiondef(%L::regprocedure);  -- look for set_config(…, false) and SET',
                        m.object) end as evidence,
       case when m.caller is not null and (m.session or m.somehow)
            then case when m.mended <> m.body then replace(pg_get_functiondef(m.oid), m.body, m.mended) || ';'
                      else format('revoke execute on routine %s from public, %s;', m.object,
                                  (select string_agg(quote_ident(role), ', ') from tenant_roles)) end end as fix,
       case when m.somehow and not m.session then 'low' end as severity
  from (
    select f.*, format('%I.%I(%s)', f.nspname, f.proname, oidvectortypes(p.proargtypes)) as object,
           regexp_replace(regexp_replace(regexp_replace(f.body, t.call || t.ends_false, '\1true)', 'gi'),
                                         t.call || t.ends_somehow, '\1true)', 'gi'),
                          t.command, '\1local \2', 'gi') as mended,
           coalesce((select 'called by ' || quote_ident(c.rolname) from callers c
                      where has_schema_privilege(c.oid, f.pronamespace, 'USAGE')
                        and has_function_privilege(c.oid, f.oid, 'EXECUTE')
                        and (c.tenant or not pg_has_role(c.oid, f.proowner, 'USAGE'))
                      order by c.tenant desc, c.rolname limit 1),
                    (select format('trigger %I', g.tgname) from pg_catalog.pg_trigger g where g.tgfoid = f.oid
                      order by g.oid limit 1),
                    (select format('event trigger %I', e.evtname) from pg_catalog.pg_event_trigger e
                      where e.evtfoid = f.oid order by e.oid limit 1)) as caller
      from found f
      join pg_catalog.pg_proc p on p.oid = f.oid
     cross join patterns t
  ) as m
 order by m.object
