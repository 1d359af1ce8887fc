-- What the policies of a database read of the session, by themselves and through helper functions: settings, and claims
-- in settings that hold JSON. First of three parts of one query: session-keys.sql, tenant-columns.sql, tables.sql.
--
-- The server says which functions a policy calls (pg_depend); what those read and call is in their bodies.
with recursive relations as materialized (
  select c.oid, n.nspname, c.relname, c.relrowsecurity, c.relispartition, c.relowner,
         pg_catalog.format('%I.%I', n.nspname, c.relname) as relation
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and c.relpersistence <> 't'
     and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     -- the platform's own: auth, storage, realtime. Schema public is the application's, whoever owns it.
     and (n.nspname = 'public' or pg_catalog.pg_get_userbyid(n.nspowner) !~ '^supabase_.*admin$'
          or pg_catalog.pg_get_userbyid(c.relowner) !~ '^supabase_.*admin$')
     and not exists (select from pg_catalog.pg_depend d
                      where d.deptype = 'e'
                        and (d.classid, d.objid) in (('pg_catalog.pg_class'::regclass, c.oid),
                                                     ('pg_catalog.pg_namespace'::regclass, n.oid)))
),
policies as materialized (
  select p.oid, p.polrelid,
         coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'true') || ' AND '
           || coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), 'true') as text
    from pg_catalog.pg_policy p
    join relations r on r.oid = p.polrelid
     -- printing an expression would wait for the lock of its table
     and r.oid <> all (coalesce(nullif(pg_catalog.current_setting('harness.locked', true), ''), '{}')::oid[])
),
-- Whoever wrote a helper may have said ->> as an operator with its schema; and what is in a comment is not done.
functions as materialized (
  select f.oid, n.nspname, f.proname, f.prorettype in ('json'::regtype, 'jsonb'::regtype) as gives_json,
         regexp_replace(
             regexp_replace(
                 regexp_replace(case when l.lanname in ('sql', 'plpgsql')
                                     then coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), f.prosrc) else '' end,
           '--[^\n]*', '', 'g'), '/\*.*?\*/', '', 'g'), 'operator\s*\(pg_catalog\.([-#]>>?)\)', '\1', 'gi') as body
    from pg_catalog.pg_proc f
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
    join pg_catalog.pg_language l on l.oid = f.prolang
   where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and f.prokind = 'f'
     and (n.nspname = 'auth' or l.lanname in ('sql', 'plpgsql'))
),
mentioned as materialized (
  select distinct f.oid as caller, m[1] as schema, m[2] as name
    from functions f
   cross join regexp_matches(f.body, '(?:([[:alpha:]_][\w$]*)"?\.)?"?([[:alpha:]_][\w$]*)"?\s*\(', 'g') as m
),
calls as materialized (
  select m.caller, g.oid as callee from mentioned m
    join functions g on g.proname = m.name and (m.schema is null or m.schema = g.nspname)
  union
  select m.caller, g.oid from mentioned m
    join functions g on g.proname = lower(m.name) and (m.schema is null or lower(m.schema) = g.nspname)
),
policy_functions as materialized (
  select distinct p.oid as policy, f.oid as function, f.proname
    from policies p
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
     and d.refclassid = 'pg_catalog.pg_proc'::regclass
    join functions f on f.oid = d.refobjid
),
walk (root, function) as (
  select distinct function, function from policy_functions
  union
  select w.root, c.callee from walk w join calls c on c.caller = w.function
),
-- Policies are much alike: each text is looked at once.
texts as materialized (
  select distinct text, null::oid as function, false as gives_json from policies
  union all
  select f.body, f.oid, f.gives_json from functions f where f.oid in (select function from walk)
),
-- current_setting('…'): the value itself, or a JSON document of claims
settings as materialized (
  select distinct t.text, t.function, s.setting,
         t.gives_json
           or t.text ~* (format('''%s''', s.pattern)
                         || '(?:(?!current_setting).){0,80}?(?:::\s*|\mas\s+)"?(?:pg_catalog"?\.)?"?jsonb?\M')
                           as is_json,
         -- a flag is no tenant
         t.text ~* (format('''%s''', s.pattern)
                    || '(?:::text)?(?:(?!current_setting|''[^'']|\mand\M|\mor\M).){0,40}\)+\s*(?:=|<>|!=)\s*\(?''[^'']')
           or t.text ~* (format('''%s''', s.pattern) || '(?:(?!current_setting|;|\mand\M|\mor\M).){0,60}?::\s*bool')
              as is_flag
    from texts t
   cross join regexp_matches(t.text, 'current_setting\s*\(\s*''([^'']+)''', 'gi') as m
   cross join lateral (select lower(m[1]) as setting, regexp_replace(m[1], '([^\w''])', '\\\1', 'g') as pattern) as s
   where m[1] like '%.%' and m[1] !~* '^(pg_session_jwt|harness)\.'
),
json_settings as materialized (
  select w.root as function, s.setting
    from walk w join settings s on s.function = w.function and s.is_json
  union
  -- the platform's functions may be written in C, where nothing can be read
  select w.root, 'request.jwt.claims'
    from walk w join functions f on f.oid = w.function
   where f.nspname = 'auth' and f.body !~* 'current_setting' and f.proname in ('jwt', 'session')
),
every_walk (root, function) as (
  select oid, oid from functions where oid in (select function from walk)
  union
  select w.root, c.callee from every_walk w join calls c on c.caller = w.function
),
-- the JSON documents at hand in a text: its own, and what the functions give that it calls
documents as materialized (
  select t.text, t.function, s.setting
    from texts t join settings s on s.text = t.text and s.function is not distinct from t.function and s.is_json
  union
  select t.text, t.function, s.setting
    from texts t
    join every_walk w on w.root = t.function
    join settings s on s.function = w.function and s.is_json
  union
  select p.text, null, j.setting
    from policies p join policy_functions pf on pf.policy = p.oid join json_settings j on j.function = pf.function
  union
  select t.text, t.function, 'request.jwt.claims'
    from texts t
    join every_walk w on w.root = t.function
    join functions f on f.oid = w.function
   where f.nspname = 'auth' and f.body !~* 'current_setting' and f.proname in ('jwt', 'session')
),
chains as materialized (
  select distinct t.text, t.function, m[1] as chain
    from texts t
   cross join regexp_matches(t.text, case when t.function is null
            -- in a policy, an arrow behind a bare name belongs to a column and not to the claims
            then '(?:\)|::jsonb?)\s*((?:->>?\s*''[^'']*''(?:::text)?\)*\s*)+)'
            else '((?:->>?\s*''[^'']*''(?:::text)?\)*\s*)+)' end, 'g') as m
  union
  select distinct t.text, t.function, m[1]
    from texts t cross join regexp_matches(t.text, '(#>>?\s*''\{[^''}]*\}''(?:::text\[\])?)', 'g') as m
),
claims as materialized (
  select c.text, c.function, p.path, c.chain,
         c.chain ~ '->\s*''[^'']*''(?:::text)?[)\s]*$'
           and (c.text ~* 'jsonb?_array_elements' or strpos(c.text, c.chain || ' ? ') > 0
                or c.text ~ (p.pattern || '[)\s]*(\?|@>|<@)')) as is_list,
         c.text ~* (p.pattern || '[)\s]*(::[\w." ]+)?[)\s]*(=|<>|!=|in|~~\*?)\s*\(?(any\s*\(+)?(array\[)?''[^'']')
           or c.text ~* (p.pattern || '[)\s]*::\s*bool') as is_flag
    from chains c
   cross join lateral (
     select case when c.chain ~ '^#' then string_to_array(btrim(substring(c.chain, '\{([^}]*)\}'), ' '), ',')
                 else array(select x[1] from regexp_matches(c.chain, '->>?\s*''([^'']*)''', 'g') as x) end as path,
            regexp_replace(c.chain, '([^\w''\s])', '\\\1', 'g') as pattern) as p
),
-- A helper that is told by its argument which claim or setting is meant
told as materialized (
  select distinct t.text, t.function, f.oid as callee, m[1] as argument, f.body ~* 'current_setting' as reads_setting
    from texts t
    join functions f on strpos(t.text, f.proname) > 0 and f.oid in (select function from walk)
   cross join regexp_matches(t.text, '"?\m' || regexp_replace(f.proname, '([^\w])', '\\\1', 'g')
                             || '"?\s*\(\s*''([^'']+)''', 'g') as m
   where not exists (select from chains c where c.function = f.oid)
     and not exists (select from settings s where s.function = f.oid and not s.is_json)
),
-- What a text reads of the session by itself.
direct as materialized (
  select text, function, jsonb_build_object('setting', setting)
           || case when text ~* (format('''%s''', regexp_replace(setting, '([^\w''])', '\\\1', 'g'))
                                 || '(?:(?!current_setting).){0,60}?::\s*[\w ]+\[\]') then '{"list": true}'::jsonb
                                 else '{}' end as key
    from settings where not is_json and not is_flag
  union
  select c.text, c.function, jsonb_build_object('claim', c.path)
         || case when d.setting = 'request.jwt.claims' then '{}'::jsonb
                 else jsonb_build_object('claimsSetting', d.setting) end
           || case when c.is_list then '{"list": true}'::jsonb else '{}' end
    from claims c
    join documents d on d.text = c.text and d.function is not distinct from c.function
   where not c.is_flag and c.path <> '{}'
  union
  select t.text, t.function,
         case when t.reads_setting and t.argument like '%.%' then jsonb_build_object('setting', lower(t.argument))
                                  else jsonb_build_object('claim', array[t.argument]) end
    from told t
   where t.reads_setting and t.argument like '%.%'
      or t.callee in (select w.root from every_walk w join settings s on s.function = w.function where s.is_json)
      or t.callee in (select w.root from every_walk w join functions f on f.oid = w.function
                       where f.nspname = 'auth' and f.body !~* 'current_setting' and f.proname in ('jwt', 'session'))
  union
  select f.body, f.oid, '{"claim": ["sub"]}'
    from functions f
   where f.nspname = 'auth' and f.proname in ('uid', 'user_id') and f.body !~* 'current_setting'
     and f.oid in (select function from walk)
),
-- Settings of older PostgREST come along with the claims that replaced them; and who issued a token, or until when, is
-- no tenant.
meant as materialized (
  select * from direct
   where not (coalesce(key ->> 'setting', '') ~ '^request\.jwt\.claim(\.|$)'
              and exists (select from direct d where d.key ? 'claim' and not d.key ? 'claimsSetting'))
     and not (key @> '{"claimsSetting": "request.jwt.claim"}'
              and exists (select from settings s where s.setting = 'request.jwt.claims'))
     and not coalesce(key -> 'claim' ->> -1 in ('role', 'aud', 'iss', 'exp', 'iat', 'nbf', 'jti', 'aal', 'amr',
                                                'session_id', 'is_anonymous', 'provider'), false)
),
function_keys as materialized (
  select distinct w.root as function, k.key from walk w join meant k on k.function = w.function
),
policy_keys as materialized (
  select p.oid as policy, k.key from policies p join meant k on k.text = p.text and k.function is null
  union
  select pf.policy, k.key from policy_functions pf join function_keys k on k.function = pf.function
)
