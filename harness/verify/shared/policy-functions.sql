reached as materialized (
  with recursive walk as (
    select distinct coalesce(o.oprcode::oid, d.refobjid) as root, null::oid as caller, coalesce(o.oprcode::oid, d.refobjid) as function
      from policies p
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                 and d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
      left join pg_catalog.pg_operator o on d.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = d.refobjid
    union
    select w.root, w.function, c.callee
      from walk w
     cross join lateral (
       select d.refobjid as callee
         from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = w.function and d.refclassid = 'pg_catalog.pg_proc'::regclass
       union
       select k.oid
         from pg_catalog.pg_proc f
        cross join lateral regexp_matches(regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g'),
                                          '(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)\s*\(', 'g') as m (name)
         join pg_catalog.pg_proc k on k.proname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"') else lower(m.name[2]) end
         join pg_catalog.pg_namespace n on n.oid = k.pronamespace
        where f.oid = w.function and f.prosqlbody is null and f.oid >= 16384
          and k.oid >= 16384 and k.oid <> f.oid
          and case when m.name[1] is not null
                   then n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"') else lower(m.name[1]) end
                   -- without a schema the server's own functions come first
                   else not exists (select from pg_catalog.pg_proc s where s.proname = k.proname and s.pronamespace = 'pg_catalog'::regnamespace) end
     ) as c
  )
  select w.root, w.caller, w.function from walk w
),
bodies as materialized (
  select f.oid as function, f.proname, f.provolatile, f.prosecdef, f.prosqlbody::text as tree, format('%I.%I(%s)', n.nspname, f.proname, pg_catalog.oidvectortypes(f.proargtypes)) as signature, l.lanname,
         case when f.prosqlbody is null and l.lanname not in ('c', 'internal') then regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g') end as code
    from (select distinct function from reached) as r
    join pg_catalog.pg_proc f on f.oid = r.function
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
    join pg_catalog.pg_language l on l.oid = f.prolang
),
-- the tables that they read
read_by_function as materialized (
  select b.function, d.refobjid as relid
    from bodies b
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = b.function and d.refclassid = 'pg_catalog.pg_class'::regclass
  union
  select b.function, c.oid
    from bodies b
   cross join lateral regexp_matches(regexp_replace(b.code, '\mdistinct\s+from\M', ' ', 'gi'), '\m(?:from|join|into|update)\s+(?:only\s+)?(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)', 'gi') as m (name)
    join pg_catalog.pg_class c on c.relname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"') else lower(m.name[2]) end
                              and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.oid >= 16384
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where m.name[1] is null or n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"') else lower(m.name[1]) end
),
