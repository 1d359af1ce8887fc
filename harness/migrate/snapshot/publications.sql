select 'pg_catalog.pg_publication'::regclass, p.oid, 0, format('publication %I', p.pubname),
       concat_ws(E'\n',
         concat_ws(' ', case when p.puballtables then 'all tables' end, case when p.pubinsert then 'insert' end,
                   case when p.pubupdate then 'update' end,
                   case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end,
                   case when p.pubviaroot then 'via root' end),
         (select string_agg(c.name, E'\n' order by c.name collate "C")
            from pg_catalog.pg_publication_rel as r join relations as c on c.oid = r.prrelid where r.prpubid = p.oid)),
       p.pubowner, null, null
  from pg_catalog.pg_publication as p
