-- The tables with protected columns, as the survey of PII protection read them (harness/verify/surveys/pii.ts).
pii_tables as materialized (
  select c.oid, t.relation, t."tenantColumn" as tenant_column, t."idColumn" as id_column, t.phase, t.columns,
         c.relowner, c.relnamespace
    from jsonb_to_recordset(nullif(current_setting('harness.pii')::jsonb, 'null') -> 'tables')
         as t (relation text, "tenantColumn" text, "idColumn" text, phase text, columns jsonb)
    join pg_catalog.pg_class c on c.oid = to_regclass(t.relation)
)
