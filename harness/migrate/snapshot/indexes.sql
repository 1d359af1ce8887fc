select 'pg_catalog.pg_class'::regclass, i.indexrelid, 0, format('index %s', c.name),
       concat_ws(E'\n',
         pg_catalog.pg_get_indexdef(i.indexrelid),
         case when not i.indisvalid then 'invalid' end,
         case when i.indisclustered then 'clustered' end,
         case when i.indisreplident then 'replica identity' end),
       null, null, null
  from pg_catalog.pg_index as i
  join relations as c on c.oid = i.indexrelid
  join relations as t on t.oid = i.indrelid
 where not exists (select from pg_catalog.pg_inherits as p where p.inhrelid = i.indexrelid)
