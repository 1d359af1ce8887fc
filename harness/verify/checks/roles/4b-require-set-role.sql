-- code: 4b
-- name: require-set-role
-- title: The owner can SET ROLE to every tenant role
-- severity: high
-- kind: catalogue
-- uses: tenant_roles, tenant_tables
select quote_ident(r.role) as object,
       case when p.oid is null then 'skipped' when may.set_role then 'pass'
            -- what a reader of somebody else's database lacks is no fault of the database
            when p.rolcanlogin and not may.belong or not owner.is_owner then 'skipped'
            else 'fail' end as outcome,
       case when p.oid is null then format('role %I does not exist on this branch (4a)', r.role)
            when may.set_role then format('%I can SET ROLE %I', session_user, r.role)
            when not owner.is_owner
            then format(
                '%I may not SET ROLE %I, and owns no tenant table: connect as the owner, or grant it, to have %2$I '
                'probed', session_user, r.role)
            when p.rolcanlogin
                 and not may.belong
                 then format('%I logs in by itself, and %I may not become it: grant that to have it probed', r.role,
                             session_user)
            when may.belong
            then format(
                '%I is a member of %I, but without the SET option: SET LOCAL ROLE fails, and queries go on with the '
                'owner''s rights', session_user, r.role)
            else format('%I is no member of %I: SET LOCAL ROLE fails', session_user, r.role) end as detail,
       format(E'begin;\nset local role %I;\nrollback;', r.role) as evidence,
       format('grant %I to %I%s;', r.role, session_user,
              case when current_setting('server_version_num')::int >= 160000 then ' with set true' else '' end) as fix,
       null::text as severity
  from tenant_roles r
  left join pg_catalog.pg_roles p on p.rolname = r.role
  left join lateral (select pg_has_role(session_user, p.oid, 'MEMBER') as belong,
                            pg_has_role(session_user, p.oid,
                                        case when current_setting('server_version_num')::int >= 160000 then 'SET'
                                             else 'MEMBER' end) as set_role
                    ) as may on true
 cross join lateral (select coalesce(bool_or(pg_has_role(session_user, c.relowner, 'USAGE')), true) as is_owner
                       from tenant_tables t join pg_catalog.pg_class c on c.oid = to_regclass(t.relation)) as owner
