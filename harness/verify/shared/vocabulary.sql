vocabulary as materialized (
  select v ->> 'calls' as calls, v ->> 'context' as context from (select current_setting('harness.vocabulary')::jsonb as v) as v
),
