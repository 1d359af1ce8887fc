-- code: H104
-- name: separate-login-roles
-- title: A login that becomes a tenant role can become nothing that escapes row security
-- severity: low
-- kind: catalogue
-- uses: right_to_become, tenant_roles
-- sources: bypass catalogue row 5; https://www.postgresql.org/docs/current/sql-set-role.html
-- SET LOCAL ROLE can be undone by whoever runs SQL: RESET ROLE, then SET ROLE to anything that the login may become.
-- The owner of the database, superusers and the role of this session are what they are.
select quote_ident(l.rolname) as object,
       case when l.rolbypassrls or s.rolname is not null then 'fail' else 'pass' end as outcome,
       case when l.rolbypassrls
            then format('%I logs in with BYPASSRLS, and becomes the tenant role %I: RESET ROLE escapes row security',
                        l.rolname, l.role)
            when s.rolname is not null
            then format('%I becomes the tenant role %I, and can become %I too, which no policy applies to', l.rolname,
                        l.role, s.rolname)
            else format('%I becomes the tenant role %I and nothing that escapes row security', l.rolname, l.role) end
                 as detail,
       case when l.rolbypassrls or s.rolname is not null
            then format(
                'select rolname, rolsuper, rolbypassrls, pg_has_role(%L, oid, %L) from pg_roles where rolname in (%L, '
                '%L);', l.rolname, l.become, l.role, coalesce(s.rolname, l.rolname)) end as evidence,
       concat_ws(E'\n', case when l.rolbypassrls then format('alter role %I nobypassrls;', l.rolname) end,
                 (select string_agg(distinct format('revoke %I from %I%s;', b.rolname, l.rolname,
                                                    case when current_setting('server_version_num')::int >= 160000
                                                         then format(' granted by %I', g.rolname) else '' end), E'\n')
                    from pg_catalog.pg_auth_members m
                    join pg_catalog.pg_roles b on b.oid = m.roleid
                    join pg_catalog.pg_roles g on g.oid = m.grantor
                   where m.member = l.oid
                     and exists (select from pg_catalog.pg_roles x
                                  where (x.rolsuper or x.rolbypassrls)
                                    and (x.oid = b.oid or not b.rolsuper and pg_has_role(b.oid, x.oid, l.become)))))
                                        as fix,
       null::text as severity
  from (
    select k.oid, k.rolname, k.rolbypassrls, r.become, min(o.rolname) as role
      from right_to_become r
     cross join tenant_roles t
      join pg_catalog.pg_roles o on o.rolname = t.role
      join pg_catalog.pg_roles k on k.rolcanlogin and not k.rolsuper and k.oid <> o.oid
       and pg_has_role(k.oid, o.oid, r.become)
     where k.rolname not in (session_user, current_user)
       and k.rolname not in (select role from tenant_roles)  -- 4a
       and k.oid <> (select datdba from pg_catalog.pg_database where datname = current_database())
     group by k.oid, k.rolname, k.rolbypassrls, r.become
  ) as l
  left join lateral (select s.rolname from pg_catalog.pg_roles s
                      where (s.rolsuper or s.rolbypassrls) and s.oid <> l.oid and pg_has_role(l.oid, s.oid, l.become)
                      order by s.rolname limit 1) as s on true
 order by l.rolname
