-- uses: function_bodies
-- The tables that those functions read.
tables_read as materialized (
  select b.function, d.refobjid as relid
    from function_bodies b
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = b.function
     and d.refclassid = 'pg_catalog.pg_class'::regclass
  union
  select b.function, c.oid
    from function_bodies b
   cross join lateral regexp_matches(regexp_replace(b.code, '\mdistinct\s+from\M', ' ', 'gi'),
                                     '\m(?:from|join|into|update)\s+(?:only\s+)?(?:("(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?("(?:[^"]|"")+"|[\w$]+)', 'gi') as m (name)
    join pg_catalog.pg_class c
      on c.relname = case when m.name[2] like '"%' then replace(trim('"' from m.name[2]), '""', '"')
                          else lower(m.name[2]) end
                              and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.oid >= 16384
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where m.name[1] is null
      or n.nspname = case when m.name[1] like '"%' then replace(trim('"' from m.name[1]), '""', '"')
                          else lower(m.name[1]) end
)
