-- What is under PII protection: one row, or none where the pack is not installed or this login may not read its registry. Tables only: a view or a
-- policy of that name would be code of the database.
select coalesce(jsonb_agg(jsonb_build_object(
         'relation', t.relation::text, 'tenantColumn', t.tenant_column, 'idColumn', t.id_column, 'phase', t.phase,
         'tuples', case when c.relkind = 'p' then -1 else c.reltuples end,
         'columns', (select jsonb_agg(jsonb_build_object('name', p.column_name, 'plain', p.plain_columns) order by p.column_name)
                       from pii.protected_columns p where p.relation = t.relation)) order by t.relation::text), '[]') as tables
  from pii.protected_tables t
  join pg_catalog.pg_class c on c.oid = to_regclass(t.relation::text)
