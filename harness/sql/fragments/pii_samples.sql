-- uses: pii_tables
-- What the sealed values of each table look like from outside, in a sample of at most 20,000 rows, and what came out of
-- those that were opened.
pii_samples as materialized (
  select t.oid, t.relation, t.tenant_column, t.id_column, s.rows, s.malformed, s.lost, s.stale, s.orphans,
         coalesce(s.example, s.unsound) as example,
         s.unopened, s.checked, coalesce(s.damaged, 0) as damaged, coalesce(s.differing, 0) as differing,
         -- as whom to see it with one's own eyes
         E'begin;\nset local role app_background;\nselect tenancy.set_job(''look'');\n' as session
    from pii_tables t
    join jsonb_to_recordset(current_setting('harness.pii')::jsonb -> 'samples')
           as s (relation text, rows bigint, malformed bigint, lost bigint, stale bigint, orphans bigint, example text,
                 unopened bigint, checked bigint, damaged bigint, differing bigint, unsound text)
      on s.relation = t.relation
)
