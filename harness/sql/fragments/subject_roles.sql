-- uses: tenant_roles
-- The tenant roles that row security holds; nothing is hidden from the others anyway (4a).
subject_roles as materialized (
  select k.oid, r.role from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
   where not k.rolsuper and not k.rolbypassrls  -- 4a
)
