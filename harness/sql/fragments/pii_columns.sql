-- uses: pii_tables
-- A row per plaintext column that is still there: the protected one, and what is derived from it.
pii_columns as materialized (
  select t.oid, t.relation, t.phase, c.name as protects, a.attname, a.attnum, a.attname <> c.name as derived
    from pii_tables t
   cross join jsonb_to_recordset(t.columns) as c (name text, plain text[])
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and not a.attisdropped
     and (a.attname = c.name or a.attname = any (c.plain))
)
