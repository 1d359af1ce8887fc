-- uses: model
-- The tables with a tenant column. Those of one kind share a row of harness.tables. Materialized, or it would be taken
-- apart once for each reference.
tenant_tables as materialized (
  select r.oid::oid as oid, r.relation, t."tenantColumn" as tenant_column, t.type, t.own, t.other,
         -- what its policies should say
         coalesce(t.predicate, format('%I = (select %s)', t."tenantColumn", format(model ->> 'expression', t.type)))
           as predicate
    from model, jsonb_to_recordset(current_setting('harness.tables')::jsonb)
                  as t ("tenantColumn" text, type text, own text, other text, predicate text, relations jsonb)
   cross join lateral jsonb_each_text(t.relations) as r (oid, relation)
)
