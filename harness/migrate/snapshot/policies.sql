select 'pg_catalog.pg_policy'::regclass, p.oid, 0, format('policy %I on %s', p.polname, c.name),
       concat_ws(E'\n',
         format('%s for %s to %s', case when p.polpermissive then 'permissive' else 'restrictive' end,
                case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                     when 'd' then 'delete' else 'all' end,
                (select string_agg(r.name, ', ' order by r.name collate "C")
                   from unnest(p.polroles) as role
                  cross join lateral (select case when role = 0 then 'public'
                                                  else quote_ident(pg_catalog.pg_get_userbyid(role)) end) as r (name))),
         'using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid),
         'with check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)),
       null, null, null
  from relations as c
  join pg_catalog.pg_policy as p on p.polrelid = c.oid
