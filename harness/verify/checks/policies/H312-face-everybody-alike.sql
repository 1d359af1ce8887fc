-- code: H312
-- name: face-everybody-alike
-- title: No policy looks at who is watching
-- severity: medium
-- kind: catalogue
-- uses: function_bodies, contexts, policy_trees, nodes, policy_parts, reached_functions, policies
-- sources: https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-APPLICATION-NAME;
--   https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
-- What is proved holds for the session that asked. A policy that asks for the name of the program, the login behind the
-- role, the statement that runs or other sessions can tell a verifier from an application, and answer each its own.
-- Whether it does, nobody can prove. The policies that a tenant role meets, as the trees that the parser made of them,
-- and every function that they lead to. Of bodies in the SQL standard's form there are trees too; in bodies that are
-- text it is looked for by name, outside comments.
with function_trees as materialized (
  select b.function, - row_number() over (order by b.function) as tree_id, b.tree from function_bodies b
   where b.tree is not null and b.function >= 16384
),
-- What tells sessions apart. In a tree a text is its bytes, behind four of its length.
told_settings as materialized (
  select s.name, x.bytes
    from (values ('application_name'), ('session_authorization'), ('is_superuser'), ('statement_timeout'),
          ('lock_timeout'), ('idle_in_transaction_session_timeout'), ('harness.')) as s (name)
   cross join lateral (select string_agg(get_byte(convert_to(s.name, 'UTF8'), n)::text, ' ' order by n) as bytes
                         from generate_series(0, octet_length(s.name) - 1) as n) as x
   -- unless it is what names the tenant here
   where not exists (select from contexts c where position('set_config(''' || s.name in c.statements) > 0)
),
told_functions as materialized (
  select string_agg(p.oid::text, '|') as ids
    from pg_catalog.pg_proc p
   where p.pronamespace = 'pg_catalog'::regnamespace
     and (p.proname in ('pg_backend_pid', 'current_query', 'pg_show_all_settings', 'pg_stat_get_activity',
                        'pg_lock_status', 'pg_prepared_statement', 'inet_client_port')
          or p.proname like 'pg\_stat\_get\_backend\_%')
),
told_relations as materialized (
  select c.oid, c.relname from pg_catalog.pg_class c
   where c.relnamespace = 'pg_catalog'::regnamespace
     and c.relname in ('pg_stat_activity', 'pg_settings', 'pg_locks', 'pg_prepared_statements', 'pg_stat_ssl',
                       'pg_stat_gssapi')
),
all_of_them as materialized (
  select t.tree_id, t.tree from policy_trees t union all select f.tree_id, f.tree from function_trees f
),
-- session_user against a column or an argument is whose row it is; against a constant, or in the catalogue of roles, it
-- is who is watching.
trees as materialized (
  select t.tree_id, t.tree from all_of_them t where t.tree like '%{SQLVALUEFUNCTION :op 12 %'
),
asked_logins as (
  select distinct u.tree_id
    from nodes u
   cross join lateral (
     select a.n, a.last
       from nodes a
      where a.tree_id = u.tree_id and a.n = any (u.above)
        and (a.tag in ('OPEXPR', 'SCALARARRAYOPEXPR', 'DISTINCTEXPR', 'CASEEXPR')
             or a.tag = 'FUNCEXPR'
                and substring(a.fields, ':funcid (\d+)')::oid in (select p.oid from pg_catalog.pg_proc p
                                                                   where p.proname = 'pg_has_role'
                                                                     and p.pronamespace = 'pg_catalog'::regnamespace))
      order by a.n desc limit 1) as c
   where u.tag = 'SQLVALUEFUNCTION' and u.fields like ' :op 12 %'
     and not exists (select from nodes v
                      where v.tree_id = u.tree_id and v.n between c.n and c.last and v.tag in ('VAR', 'PARAM'))
  union
  select t.tree_id from trees t
   where t.tree ~ format(':relid (%s) ', (select string_agg(c.oid::text, '|') from pg_catalog.pg_class c
                                                                          where c.relnamespace
                                                                                = 'pg_catalog'::regnamespace
                                                                                    and c.relname
                                                                                        in ('pg_roles', 'pg_authid',
                                                                                            'pg_user', 'pg_shadow',
                                                                                                'pg_auth_members')))
),
seen_in_trees as (
  select t.tree_id, format('the setting %s', case s.name when 'harness.' then 'harness.*' else s.name end) as what
    from all_of_them t
    join told_settings s
      on t.tree ~ case when s.name = 'harness.' then format(':constvalue \d+ \[(?: -?\d+){4} %s ', s.bytes)
                       else format(':constvalue \d+ \[(?: -?\d+){4} %s \]', s.bytes) end
  union
  select t.tree_id, 'other sessions or its own' from all_of_them t, told_functions f
   where t.tree ~ format(':funcid (%s) ', f.ids)
  union
  select t.tree_id, r.relname from all_of_them t join told_relations r on t.tree ~ format(':relid %s ', r.oid)
  union
  select tree_id, 'session_user, which is the login behind the role' from asked_logins
),
seen_in_code as (
  select b.function, format('the setting %s', case s.name when 'harness.' then 'harness.*' else s.name end) as what
    from function_bodies b
    join told_settings s
      on b.code ~* case when s.name = 'harness.' then $re$'harness\.\w$re$ else format($re$'%s'$re$, s.name) end
  union
  select b.function, lower(m[1]) from function_bodies b
   cross join lateral regexp_matches(b.code,
                                     '\m(pg_stat_activity|pg_stat_get_activity|pg_stat_get_backend_\w+|pg_backend_pid|current_query|pg_settings|pg_show_all_settings|pg_locks|pg_lock_status|pg_prepared_statements?|pg_stat_ssl|pg_stat_gssapi|inet_client_port)\M', 'gi') as m
  union
  select b.function, 'session_user, which is the login behind the role'
    from function_bodies b
   cross join lateral regexp_replace(b.code, $re$'(?:[^']|'')*'$re$, '''', 'g') as bare  -- a string is one quote
   where bare ~* $re$\m(session_user|current_setting\s*\(\s*')\M$re$
     and (
         bare ~* $re$\msession_user\M(\s*::\s*\w+)*\s*\)*\s*(=|<>|!=|!?~~?\*?|\mnot\M|\mlike\M|\milike\M|\min\M|\mis\M|\msimilar\M|\^@)\s*(not\s+|distinct\s+|from\s+|like\s+|ilike\s+|in\s+|to\s+)*\(*\s*(any\s*\(\s*(array\s*\[)?\s*)?('|\m(current_user|current_role)\M)$re$
          or bare ~* $re$('|\m(current_user|current_role)\M)(\s*::\s*\w+)*\s*\)*\s*(=|<>|!=|\mis\s+(not\s+)?distinct\s+from\M)\s*\(*\s*\msession_user\M$re$
          or bare ~* $re$\mcase\s+session_user\M|\mpg_has_role\s*\(\s*session_user(\s*::\s*\w+)*\s*,\s*'$re$
          or bare ~* $re$\m(pg_roles|pg_authid|pg_user|pg_shadow|pg_auth_members)\M$re$ and bare ~* '\msession_user\M')
),
told as (
  select p.policy, null as signature, s.what from policy_parts p join seen_in_trees s on s.tree_id = p.tree_id
  union
  select x.policy, x.signature, coalesce(c.what, s.what)
    from (select distinct d.objid as policy, b.function, b.signature
            from function_bodies b
            join reached_functions r on r.function = b.function
            left join pg_catalog.pg_operator o on o.oprcode = r.root
            join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass
                                       and (d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = r.root
                                            or d.refclassid = 'pg_catalog.pg_operator'::regclass and d.refobjid = o.oid)
           where b.function >= 16384) as x
    left join seen_in_code c on c.function = x.function
    left join function_trees t on t.function = x.function
    left join seen_in_trees s on s.tree_id = t.tree_id
   where c.function is not null or s.tree_id is not null
),
findings as (
  select p.relation, p.polname, 3 as rank,
         string_agg(distinct case when t.signature is null then format('policy %I looks at %s', p.polname, t.what)
                                  else format('policy %I leads to %s, which looks at %s', p.polname, t.signature,
                                              t.what) end, '; ')
         || ': it can answer a verifier otherwise than an application' as reason,
         min(p.alteration || case when p.polqual is not null then format(E'\n  using (%s)', p.standard) else '' end
             || case when p.polwithcheck is not null then format(E'\n  with check (%s)', p.standard) else '' end
               || ';') as fix
    from told t
    join policies p on p.oid = t.policy
   group by p.relation, p.polname
)
select x.relation as object,
       case when count(x.reason) > 0 then 'fail' else 'pass' end as outcome,
       coalesce(string_agg(x.reason, '; ' order by x.polname),
                'no policy looks at the session''s program, login or neighbours') as detail,
       format(
           'select polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy where '
           'polrelid = %L::regclass;', x.relation) as evidence,
       string_agg(x.fix, E'\n' order by x.polname) as fix,
       null::text as severity
  from (select relation, polname, reason, fix from findings
        union all
        select relation, polname, null, null from policy_parts) as x
 group by x.relation
