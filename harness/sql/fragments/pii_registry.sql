-- Whether this session can read the registry of protected columns. No row where there is none.
pii_registry as materialized (
  select (current_setting('harness.pii')::jsonb -> 'readable')::boolean as readable
   where current_setting('harness.pii') <> 'null'
)
