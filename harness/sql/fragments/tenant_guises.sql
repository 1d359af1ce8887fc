-- uses: tenant_roles
-- Each tenant role, and what it can become or inherits. What comes from a role that escapes row security is 4a's.
tenant_guises as materialized (
  select t.role, k.oid as tenant, g.oid, g.rolname
    from tenant_roles t
    join pg_catalog.pg_roles k on k.rolname = t.role and not k.rolsuper
   cross join lateral (select case when current_setting('server_version_num')::int >= 160000 then 'USAGE, SET'
                                   else 'MEMBER' end as held) as h
    join pg_catalog.pg_roles g on g.oid = k.oid or not g.rolsuper and pg_has_role(k.oid, g.oid, h.held)
   where not exists (select from pg_catalog.pg_roles s
                      where (s.rolsuper or s.rolbypassrls) and s.oid <> k.oid and pg_has_role(k.oid, s.oid, h.held)
                        and pg_has_role(s.oid, g.oid, 'MEMBER'))
)
