-- title: the owner may SET ROLE to them
-- runbook: 1, 4b
-- Since PostgreSQL 16 membership is three rights: whoever creates a role holds ADMIN on it, and still neither inherits
-- from it nor may become it. `pg_has_role(…, 'MEMBER')` is true then and SET ROLE fails.
select format('role %I', r.rolname) as object,
       case when pg_has_role(r.oid, 'MEMBER') then format('%I is a member, but without the SET option', current_user)
            else format('%I is no member of it', current_user) end as missing,
       format('grant %I to %I%s;', r.rolname, current_user,
              case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                   else '' end) as statement
  from pg_catalog.pg_roles r
 where r.rolname in ('authenticated', 'anonymous', 'app_background', 'app_pii', 'pii_reader')
   and not pg_has_role(r.oid,
                       case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)
 order by r.rolname
