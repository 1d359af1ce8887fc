-- uses: tenant_roles
-- Every role whose policies and privileges a tenant role has, with PUBLIC as 0; and the tenant roles themselves. One
-- row.
tenant_memberships as materialized (
  select array_agg(distinct h.oid) || 0::oid as roles, array_agg(distinct k.oid) as tenants
    from tenant_roles r
    join pg_catalog.pg_roles k on k.rolname = r.role
    join pg_catalog.pg_roles h on pg_has_role(k.oid, h.oid, 'USAGE')
)
