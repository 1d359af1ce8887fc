-- The tables with protected columns, as the survey of PII protection read them (harness/verify/surveys/pii.ts).
pii_registry as materialized (
  select (current_setting('harness.pii')::jsonb -> 'readable')::boolean as readable where current_setting('harness.pii') <> 'null'
),
pii_tables as materialized (
  select c.oid, t.relation, t."tenantColumn" as tenant_column, t."idColumn" as id_column, t.phase, t.columns, c.relowner, c.relnamespace
    from jsonb_to_recordset(nullif(current_setting('harness.pii')::jsonb, 'null') -> 'tables') as t (relation text, "tenantColumn" text, "idColumn" text, phase text, columns jsonb)
    join pg_catalog.pg_class c on c.oid = to_regclass(t.relation)
),
-- A row per plaintext column that is still there: the protected one, and what is derived from it.
pii_columns as materialized (
  select t.oid, t.relation, t.phase, c.name as protects, a.attname, a.attnum, a.attname <> c.name as derived
    from pii_tables t
   cross join jsonb_to_recordset(t.columns) as c (name text, plain text[])
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and not a.attisdropped and (a.attname = c.name or a.attname = any (c.plain))
)
