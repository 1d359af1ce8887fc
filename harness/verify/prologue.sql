-- What every check can read: the model and the observations of the probe run (observations.ts), as tables. The engine puts this in
-- front of each check's query, in a transaction that holds them in the settings harness.model, harness.tables and harness.observations.
with model as (
  select current_setting('harness.model')::jsonb as model
),
tenant_roles as (
  select jsonb_array_elements_text(model -> 'roles') as role from model
),
-- those of them that this session can become, and that the probes ran as
probed_roles as (
  select r.role, r.place from model, jsonb_array_elements_text(model -> 'probed') with ordinality as r (role, place)
),
-- The tables of one kind share a row of harness.tables. Materialized, or it would be taken apart once for each reference.
tenant_tables as materialized (
  select r.oid::oid as oid, r.relation, t."tenantColumn" as tenant_column, t.type, t.own, t.other,
         -- what its policies should say
         coalesce(t.predicate, format('%I = (select %s)', t."tenantColumn", format(model ->> 'expression', t.type))) as predicate
    from model, jsonb_to_recordset(current_setting('harness.tables')::jsonb)
                  as t ("tenantColumn" text, type text, own text, other text, predicate text, relations jsonb)
   cross join lateral jsonb_each_text(t.relations) as r (oid, relation)
),
contexts as (
  select c.name, c.kind, c.statements, c.ordinality
    from model, rows from (jsonb_to_recordset(model -> 'contexts') as (name text, kind text, statements text)) with ordinality as c
),
-- What the probes found; tables that answered alike share a row there.
answered as materialized (
  select o ->> 'role' as role, r.relation, coalesce((o ->> 'probed')::boolean, true) as probed, o ->> 'kind' as kind, (o ->> 'active')::boolean as active,
         (o ->> 'opened')::boolean as opened, o ->> 'sqlstate' as sqlstate, o ->> 'message' as message,
         (o ->> 'select')::boolean as can_select, (o ->> 'insert')::boolean as can_insert, (o ->> 'update')::boolean as can_update,
         (o ->> 'move')::boolean as can_move, (o ->> 'delete')::boolean as can_delete, (o ->> 'truncate')::boolean as can_truncate,
         o ->> 'insertState' as insert_state, (o ->> 'updateFiltered')::boolean as update_filtered, (o ->> 'deleteFiltered')::boolean as delete_filtered,
         o -> 'careless' as careless
    from jsonb_array_elements(current_setting('harness.observations')::jsonb -> 'tables') as o
   cross join lateral (select jsonb_array_elements_text(o -> 'relations') as relation) as r
),
-- One row per tenant role and tenant table, also for a table that has vanished since the model was read (then all is null).
observed as (
  select r.role, r.place, t.relation, t.tenant_column, t.type, t.own, t.other,
         o.relation is not null as seen, o.probed, o.kind, o.active, o.opened, o.sqlstate, o.message,
         o.can_select, o.can_insert, o.can_update, o.can_move, o.can_delete, o.can_truncate,
         o.insert_state, o.update_filtered, o.delete_filtered, o.careless,
         -- the session in which to see it with one's own eyes
         format(E'begin;\nset local role %I;\n%s\n', r.role, (select statements from contexts where kind = 'tenant' order by ordinality limit 1)) as session,
         case when (select to_regprocedure('tenancy.protect(regclass, name)') is not null)
              then format('select tenancy.protect(%L, %L);', t.relation, t.tenant_column)
              else format(E'alter table %1$s enable row level security;\nalter table %1$s force row level security;\n'
                          'drop policy if exists tenant_floor on %1$s;\n'
                          'create policy tenant_floor on %1$s as restrictive\n  using (%2$s)\n  with check (%2$s);',
                          t.relation, t.predicate) end as mend
    from probed_roles r
   cross join tenant_tables t
    left join answered o on o.role = r.role and o.relation = t.relation
),
-- One row per role, table and context in which something was open or went wrong.
holes as (
  select h.role, h.relation, h.context, c.ordinality, c.kind, c.statements, h.visible, h.open, h.sqlstate, h.message, coalesce(h.again, false) as again,
         -- it could not be asked, which is something else than an answer
         coalesce(h.undecided, false) or h.sqlstate in ('55P03', '57014', '42P01', '25006') as undecided,
         format(E'begin;\nset local role %I;\n%s', h.role, c.statements || case when c.statements = '' then '' else E'\n' end) as session
    from jsonb_to_recordset(current_setting('harness.observations')::jsonb -> 'holes')
         as h (role text, relation text, context text, visible boolean, open jsonb, sqlstate text, message text, again boolean, undecided boolean)
    join contexts c on c.name = h.context
)
