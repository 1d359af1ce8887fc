-- uses: model
-- The roles that applications run queries as for a tenant.
tenant_roles as (
  select jsonb_array_elements_text(model -> 'roles') as role from model
)
