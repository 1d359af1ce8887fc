-- The statement that reads what is in the tables, as a snapshot has it: an entry for each table that has rows. Without
-- moments, which differ from one run to the next. What row security hides from the session is not in it.
select string_agg(format(
         'select %L as object, string_agg(r.row, E''\n'' order by r.row collate "C") as text from (select (to_jsonb(t) '
         '- %L::text[])::text as row from only %s as t) as r having count(*) > 0',
         'rows of ' || t.name, t.moments, t.name), ' union all ') as statement
  from (
    select format('%I.%I', n.nspname, c.relname) as name,
           array(select a.attname::text from pg_catalog.pg_attribute as a
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                    and a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)) as moments
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname = any ($1::text[])
     order by 1
  ) as t
