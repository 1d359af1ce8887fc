-- code: H606
-- name: guard-leakproof-functions
-- title: No LEAKPROOF function that a tenant role can call sees rows before row security has hidden them
-- severity: high
-- kind: catalogue
-- uses: subject_roles
-- sources: bypass catalogue row 47; https://www.postgresql.org/docs/current/rules-privileges.html
-- The server's own and those of extensions were written with care; anybody else's was declared so by a superuser.
with promised as materialized (
  select p.oid, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as signature,
         p.pronamespace, l.lanname, p.procost, p.provolatile,
         -- such a function is replaced by what it calls before the planner asks what is leakproof
         l.lanname = 'sql' and not p.prosecdef and not p.proisstrict and not p.proretset
           and p.proconfig is null as inlined,
         to_jsonb(p) ->> 'prosqlbody' as tree, pg_catalog.pg_get_function_sqlbody(p.oid) is not null as parsed,
         regexp_replace(p.prosrc, $re$('(?:[^']|'')*')|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/$re$, '\1', 'g') as body
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
   where p.proleakproof and p.oid >= 16384 and p.prokind = 'f'
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
judged as (
  select p.*, t.role,
         -- a parsed body is leakproof if all that it calls is: the server knows
         p.parsed
           and not exists (select
                             from regexp_matches(p.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+) ', 'g') as f (id)
                                    join pg_catalog.pg_proc q on q.oid = f.id[1]::oid where not q.proleakproof)
                  and p.tree !~ '\{(?:COERCEVIAIO|ARRAYCOERCEEXPR|COERCETODOMAIN|SQLVALUEFUNCTION|RANGETBLENTRY|SCALARARRAYOPEXPR|ROWCOMPAREEXPR|NULLIFEXPR|DISTINCTEXPR|MINMAXEXPR|XMLEXPR) ' as kept,
         p.parsed and p.inlined
           and p.tree !~ '\{(?:COERCEVIAIO|ARRAYCOERCEEXPR|COERCETODOMAIN|SQLVALUEFUNCTION|RANGETBLENTRY|SUBLINK) '
                  and not exists (select from regexp_matches(p.tree, ':(?:funcid|opfuncid) (\d+) ', 'g') as f (id)
                                    join pg_catalog.pg_proc q on q.oid = f.id[1]::oid
                                   where q.provolatile > p.provolatile) as replaced
    from promised p
    left join lateral (select min(t.role) as role from subject_roles t
                        where has_function_privilege(t.oid, p.oid, 'EXECUTE')
                          and has_schema_privilege(t.oid, p.pronamespace, 'USAGE')) as t on true
)
select j.signature as object,
       case when j.role is null or j.kept or j.replaced then 'pass' else 'fail' end as outcome,
       case when j.role is null then 'no tenant role can call it'
            when j.kept then 'all that it calls is leakproof'
            when j.replaced then 'the planner replaces it by what it calls, which waits for the policies'
            when j.procost < 10
            then format(
                '%I can put it into a WHERE, where it is called with every tenant''s rows: it is LEAKPROOF and costs '
                'no more than a policy may, %s', j.role,
                                            case when j.lanname = 'sql' then 'and what it calls is not leakproof'
                                                 else format('and nothing keeps %I code from telling what it was given',
                                                             j.lanname) end)
            else format(
                'it is LEAKPROOF and not known to be; only its cost (%s) has the policies go first, which does not '
                'hold for security-barrier views', j.procost) end as detail,
       format('select oid::regprocedure, proleakproof, procost, prosrc from pg_proc where oid = %L::regprocedure;',
              j.oid::regprocedure) as evidence,
       format('alter function %s not leakproof;', j.signature) as fix,
       case when j.procost >= 10 then 'low'
            when j.inlined and not j.parsed then 'low'  -- most likely replaced, which only a parsed body tells
            -- an error message is all that plain SQL has to tell with; and dearer than 1, it goes before a slow policy
            -- only
            when j.lanname = 'sql' or j.procost > 1 then 'medium' end as severity
  from judged j
