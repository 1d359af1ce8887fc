-- The tables with protected columns. Whether there is a registry is not known before, so it is asked by a text, as query_to_xml()
-- allows; in hexadecimal, so that no character means anything to XML.
pii_registry as materialized (
  select r.readable,
         case when r.readable
              then convert_from(decode(substring(query_to_xml(
                     $sql$
                       select encode(convert_to(coalesce(jsonb_agg(jsonb_build_object(
                                'relation', t.relation, 'tenantColumn', t.tenant_column, 'idColumn', t.id_column, 'phase', t.phase,
                                'columns', (select jsonb_agg(jsonb_build_object('name', c.column_name, 'plain', c.plain_columns) order by c.column_name)
                                              from pii.protected_columns c where c.relation = t.relation))), '[]')::text, 'UTF8'), 'hex') as answer
                         from pii.protected_tables t
                     $sql$, true, false, '')::text from '<answer>([0-9a-f]*)</answer>'), 'hex'), 'UTF8')::jsonb
         end as tables
    from (select has_schema_privilege(current_user, n.oid, 'USAGE') and has_table_privilege(current_user, t.oid, 'SELECT') and has_table_privilege(current_user, c.oid, 'SELECT') as readable
            from pg_catalog.pg_namespace n
            join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = 'protected_tables'
            join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = 'protected_columns'
           where n.nspname = 'pii') as r
),
pii_tables as materialized (
  select c.oid, format('%I.%I', n.nspname, c.relname) as relation, t."tenantColumn" as tenant_column, t."idColumn" as id_column, t.phase, t.columns, c.relowner, c.relnamespace,
         case when c.relkind = 'p' then -1 else c.reltuples end as reltuples
    from pii_registry r
   cross join jsonb_to_recordset(r.tables) as t (relation text, "tenantColumn" text, "idColumn" text, phase text, columns jsonb)
    -- the one that has its trigger, whatever it is called by now
    join pg_catalog.pg_class c on c.oid = coalesce(
           (select g.tgrelid from pg_catalog.pg_trigger g
             where g.tgname = 'pii_1_seal' and g.tgfoid = to_regprocedure(format('pii.%I()', 'seal ' || t.relation))
             order by g.tgrelid = to_regclass(t.relation) desc limit 1), to_regclass(t.relation))
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
),
-- A row per plaintext column that is still there: the protected one, and what is derived from it.
pii_columns as materialized (
  select t.oid, t.relation, t.phase, c.name as protects, a.attname, a.attnum, a.attname <> c.name as derived
    from pii_tables t
   cross join jsonb_to_recordset(t.columns) as c (name text, plain text[])
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and not a.attisdropped and (a.attname = c.name or a.attname = any (c.plain))
)
