-- uses: policies
-- Every function that the policies lead to. Of bodies in the SQL standard's form the catalogue knows what they call and
-- read; in bodies that are text it is looked for by name, outside comments.
reached_functions as materialized (
  with recursive walk as (
    select distinct coalesce(o.oprcode::oid, d.refobjid) as root, null::oid as caller,
           coalesce(o.oprcode::oid, d.refobjid) as function
      from policies p
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                 and d.refclassid in ('pg_catalog.pg_proc'::regclass,
                                                      'pg_catalog.pg_operator'::regclass)
      left join pg_catalog.pg_operator o on d.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = d.refobjid
    union
    select w.root, w.function, c.callee
      from walk w
     cross join lateral (
       select d.refobjid as callee
         from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = w.function
          and d.refclassid = 'pg_catalog.pg_proc'::regclass
       union
       select k.oid
         from pg_catalog.pg_proc f
        cross join lateral regexp_matches(regexp_replace(f.prosrc, '--[^\n]*|/\*([^*]|\*+[^*/])*\*+/', ' ', 'g'),
                                          '(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)\s*\(',
                                          'g') as m (name)
         join pg_catalog.pg_proc k
           on k.proname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"')
                               else lower(m.name[2]) end
         join pg_catalog.pg_namespace n on n.oid = k.pronamespace
        where f.oid = w.function and f.prosqlbody is null and f.oid >= 16384
          and k.oid >= 16384 and k.oid <> f.oid
          and case when m.name[1] is not null
                   then n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"')
                                         else lower(m.name[1]) end
                   -- without a schema the server's own functions come first
                   else not exists (select from pg_catalog.pg_proc s
                                     where s.proname = k.proname and s.pronamespace = 'pg_catalog'::regnamespace) end
     ) as c
  )
  select w.root, w.caller, w.function from walk w
)
