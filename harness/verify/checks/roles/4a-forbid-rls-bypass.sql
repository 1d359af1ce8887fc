-- code: 4a
-- name: forbid-rls-bypass
-- title: No tenant role escapes row security
-- severity: critical
-- kind: catalogue
-- uses: tenant_roles
select quote_ident(r.role) as object,
       case when p.oid is null or p.rolsuper or p.rolbypassrls or p.rolreplication or stronger.rolname is not null
            then 'fail' else 'pass' end as outcome,
       case when p.oid is null then format('role %I does not exist on this branch', r.role)
            when p.rolsuper then format('role %I is a superuser: no policy applies to it', r.role)
            when p.rolbypassrls then format('role %I has BYPASSRLS: no policy applies to it', r.role)
            when p.rolreplication
            then format('role %I has REPLICATION: it can read every change from the write-ahead log', r.role)
            when stronger.rolname is not null
            then format('role %I can SET ROLE to %I, which no policy applies to', r.role, stronger.rolname)
            else format('%I is NOBYPASSRLS', r.role) end as detail,
       case when p.oid is not null
            then format(
                'select rolname, rolsuper, rolbypassrls, rolreplication from pg_roles where rolname in (%L, %L);',
                r.role, coalesce(stronger.rolname, r.role)) end as evidence,
       case when p.oid is null then format('create role %I nologin nobypassrls;  -- or: harness setup', r.role)
            when p.rolsuper then format('alter role %I nosuperuser;', r.role)
            when p.rolbypassrls then format('alter role %I nobypassrls;', r.role)
            when p.rolreplication then format('alter role %I noreplication;', r.role)
            -- the memberships that lead there, which since version 16 only their grantor's name takes away
            when stronger.rolname is not null
            then (select string_agg(format('revoke %s from %I%s;', m.roleid::regrole, r.role,
                                           case when current_setting('server_version_num')::int >= 160000
                                                then format(' granted by %s', m.grantor::regrole) else '' end), E'\n')
                    from pg_catalog.pg_auth_members m
                   where m.member = p.oid and pg_has_role(m.roleid, stronger.oid, x.how)) end as fix,
       null::text as severity
  from tenant_roles r
  left join pg_catalog.pg_roles p on p.rolname = r.role
  cross join lateral (select case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end
                      as how) as x
  left join lateral (select s.rolname, s.oid
                       from pg_catalog.pg_roles s
                      where s.oid <> p.oid and (s.rolsuper or s.rolbypassrls)  -- REPLICATION by that way is H604's
                        and not p.rolsuper  -- a superuser is a member of everything
                        and pg_has_role(p.oid, s.oid, x.how)
                      order by s.rolname limit 1) as stronger on true
