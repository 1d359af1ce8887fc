-- What is under PII protection: one row. Tables only: a view or a policy of that name would be code of the database. A
-- table that was renamed is the one that has its trigger, and its values are still sealed for the name it was
-- registered by.
select coalesce(jsonb_agg(jsonb_build_object(
         'relation', format('%I.%I', n.nspname, c.relname), 'registered', t.relation::text, 'tenantColumn',
         t.tenant_column, 'idColumn', t.id_column,
         'phase', t.phase, 'tuples', case when c.relkind = 'p' then -1 else c.reltuples end,
         'columns',
         (select jsonb_agg(jsonb_build_object('name', p.column_name, 'plain', p.plain_columns) order by p.column_name)
                       from pii.protected_columns p where p.relation = t.relation)) order by t.relation::text),
                            '[]') as tables
  from pii.protected_tables t
  join pg_catalog.pg_class c on c.oid = coalesce(
         (select g.tgrelid from pg_catalog.pg_trigger g
           where g.tgname = 'pii_1_seal' and g.tgfoid = to_regprocedure(format('pii.%I()', 'seal ' || t.relation))
           order by g.tgrelid = to_regclass(t.relation::text) desc limit 1), to_regclass(t.relation::text))
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
