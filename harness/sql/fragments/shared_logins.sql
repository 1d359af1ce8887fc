-- uses: ordinary_schemas, tenant_roles, model
-- Whether tenants share a role, instead of having one each. One row.
shared_logins as (
  select not (model ->> 'expression' ~* '\m(current_user|session_user|current_role)\M'
              or (select count(*) > 1 from ordinary_schemas s join tenant_roles t on t.role = s.nspname)) as shared
    from model
)
