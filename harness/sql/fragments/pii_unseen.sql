-- uses: pii_tables
-- Why there is no sample, if there is none.
pii_unseen as materialized (
  select t.relation as object, 'skipped' as outcome, current_setting('harness.pii')::jsonb ->> 'unseen' as detail
    from pii_tables t
   where current_setting('harness.pii')::jsonb ->> 'unseen' is not null
)
