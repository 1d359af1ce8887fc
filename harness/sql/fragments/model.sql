-- What verify was told: tenant roles, schemas, exempt tables, and how a session says who it is. One row.
model as (
  select current_setting('harness.model')::jsonb as model
)
