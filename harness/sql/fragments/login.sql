-- Whose session this is. One row.
login as (
  select r.oid, r.rolname, r.rolsuper, r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb
         or r.rolreplication as strong,
         d.oid as database
    from pg_catalog.pg_roles r
   cross join pg_catalog.pg_database d
   where r.rolname = session_user and d.datname = current_database()
)
