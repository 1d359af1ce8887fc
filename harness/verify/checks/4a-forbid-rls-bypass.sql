-- code: 4a
-- name: forbid-rls-bypass
-- title: No tenant role escapes row security
-- severity: critical
-- area: roles
-- kind: catalogue
select quote_ident(r.role) as object,
       case when p.oid is null or p.rolsuper or p.rolbypassrls or p.rolreplication or stronger.rolname is not null then 'fail' else 'pass' end as outcome,
       case when p.oid is null then format('role %I does not exist on this branch', r.role)
            when p.rolsuper then format('role %I is a superuser: no policy applies to it', r.role)
            when p.rolbypassrls then format('role %I has BYPASSRLS: no policy applies to it', r.role)
            when p.rolreplication then format('role %I has REPLICATION: it can read every change from the write-ahead log', r.role)
            when stronger.rolname is not null then format('role %I can SET ROLE to %I, which no policy applies to', r.role, stronger.rolname)
            else format('%I is NOBYPASSRLS', r.role) end as detail,
       case when p.oid is not null then format('select rolname, rolsuper, rolbypassrls, rolreplication from pg_roles where rolname in (%L, %L);', r.role, coalesce(stronger.rolname, r.role)) end as evidence,
       case when p.oid is null then format('create role %I nologin nobypassrls;  -- or: harness setup', r.role)
            when p.rolsuper then format('alter role %I nosuperuser;', r.role)
            when p.rolbypassrls then format('alter role %I nobypassrls;', r.role)
            when p.rolreplication then format('alter role %I noreplication;', r.role)
            when stronger.rolname is not null then format('revoke %I from %I;', stronger.rolname, r.role) end as fix,
       null::text as severity
  from tenant_roles r
  left join pg_catalog.pg_roles p on p.rolname = r.role
  left join lateral (select s.rolname
                       from pg_catalog.pg_roles s
                      where s.oid <> p.oid and (s.rolsuper or s.rolbypassrls)
                        and not p.rolsuper  -- a superuser is a member of everything
                        and pg_has_role(p.oid, s.oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
                      order by s.rolname limit 1) as stronger on true
