-- How a definition may name the tenant: settings, the functions that policies call or that read the context, the user
-- (facts/vocabulary.sql).
vocabulary as materialized (
  select v ->> 'calls' as calls, v ->> 'context' as context
    from (select current_setting('harness.vocabulary')::jsonb as v) as v
)
