-- uses: tenant_roles
-- The tenant roles, but for those that can become one that escapes row security: what they get by it is 4a's.
confined_roles as materialized (
  select t.role, k.oid
    from tenant_roles t
    join pg_catalog.pg_roles k on k.rolname = t.role and not k.rolsuper
   -- what comes from a role that escapes row security is 4a's
   where not exists (select from pg_catalog.pg_roles s
                      where (s.rolsuper or s.rolbypassrls) and s.oid <> k.oid and pg_has_role(k.oid, s.oid, 'MEMBER'))
)
