-- Values of custom settings may be secrets: only their names are here.
select 'pg_catalog.pg_database'::regclass, d.oid, 0, 'database',
       (select string_agg(l.line, E'\n' order by l.line collate "C")
          from pg_catalog.pg_db_role_setting as s
         cross join lateral unnest(s.setconfig) as setting
         cross join lateral (
            select format('%sset %s',
                          case when s.setrole <> 0 then format('for %I ', pg_catalog.pg_get_userbyid(s.setrole))
                               else '' end,
                          case when split_part(setting, '=', 1) ~ '\.' then split_part(setting, '=', 1)
                               else setting end) as line) as l
         where s.setdatabase = d.oid),
       d.datdba, d.datacl, 'd'::"char"
  from pg_catalog.pg_database as d
 where d.datname = pg_catalog.current_database()
