-- uses: reached_functions
-- What those functions are made of. code is NULL where the body is a parse tree, or not SQL at all.
function_bodies as materialized (
  select f.oid as function, f.proname, f.provolatile, f.prosecdef, f.prosqlbody::text as tree,
         format('%I.%I(%s)', n.nspname, f.proname, pg_catalog.oidvectortypes(f.proargtypes)) as signature, l.lanname,
         case when f.prosqlbody is null and l.lanname not in ('c', 'internal')
              then regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g') end as code
    from (select distinct function from reached_functions) as r
    join pg_catalog.pg_proc f on f.oid = r.function
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
    join pg_catalog.pg_language l on l.oid = f.prolang
)
