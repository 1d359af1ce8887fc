select 'pg_catalog.pg_default_acl'::regclass, a.oid, 0,
       format('default privileges of %I on %s%s', pg_catalog.pg_get_userbyid(a.defaclrole),
              case a.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                   when 'T' then 'types' else 'schemas' end,
              ' in schema ' || quote_ident(s.nspname)),
       null, case when a.defaclnamespace = 0 then a.defaclrole end, a.defaclacl,
       -- Of a schema they are added to the usual ones, otherwise they replace them.
       case when a.defaclnamespace = 0 then case a.defaclobjtype when 'S' then 's'::"char" else a.defaclobjtype end end
  from pg_catalog.pg_default_acl as a
  left join schemas as s on s.oid = a.defaclnamespace
 where a.defaclnamespace = 0 or s.oid is not null
