-- code: H306
-- name: keep-context-stable
-- title: No function that a policy leads to calls itself IMMUTABLE and asks the session
-- severity: critical
-- kind: catalogue
-- uses: tables_read, function_bodies, reached_functions
-- sources: bypass catalogue row 19; https://www.postgresql.org/docs/current/xfunc-volatility.html
-- The policies that a tenant role meets, each with what it belongs to.
with asking as materialized (
  -- what its body reads itself, or an extension's function that says so of itself
  select b.function,
         case when b.tree ~ format(':funcid (%s) ',
                                   (select string_agg(p.oid::text, '|') from pg_catalog.pg_proc p
                                     where p.proname = 'current_setting'
                                       and p.pronamespace = 'pg_catalog'::regnamespace))
                or b.code ~* '\mcurrent_setting\s*\(' then 'a setting'
              when b.tree ~ '\{SQLVALUEFUNCTION :op (9|10|11|12) '
                or regexp_replace(b.code, '''[^'']*''', '''''', 'g') ~* '\m(current_user|session_user|current_role)\M'
                then 'the session''s user'
              when exists (select from tables_read r where r.function = b.function) then 'a table'
              when b.lanname = 'c' and b.provolatile <> 'i' and b.function >= 16384 then 'the session' end as asks
    from function_bodies b
),
tainted as materialized (
  with recursive taint as (
    select a.function, a.asks from asking a where a.asks is not null
    union
    select r.caller, t.asks from taint t join reached_functions r on r.function = t.function where r.caller is not null
  )
  select function, min(asks) as asks from taint group by function
)
select b.signature as object,
       case when t.function is not null and b.provolatile = 'i' then 'fail' else 'pass' end as outcome,
       case when t.function is not null and b.provolatile = 'i'
            then format(
                'it is IMMUTABLE and reads %s: a plan made for one tenant keeps that tenant''s answer for the next',
                t.asks)
            when b.provolatile = 'i' then 'IMMUTABLE, and it asks nothing but its arguments'
            else 'it is not IMMUTABLE' end as detail,
       format(
           'select oid::regprocedure, provolatile from pg_proc where oid = %L::regprocedure;  -- i: frozen into plans',
           b.signature) as evidence,
       format('alter function %s stable;  -- and reconnect: plans made so far keep the old answer', b.signature) as fix,
       null::text as severity
  from function_bodies b
  left join tainted t on t.function = b.function
 where b.function >= 16384
