-- uses: contexts, probed_roles, tenant_tables, probe_answers
-- One row per tenant role and tenant table, also for a table that has vanished since the model was read (then all is
-- null).
observed as (
  select r.role, r.place, t.relation, t.tenant_column, t.type, t.own, t.other,
         o.relation is not null as seen, o.probed, o.kind, o.active, o.opened, o.sqlstate, o.message,
         o.can_select, o.can_insert, o.can_update, o.can_move, o.can_delete, o.can_truncate,
         o.insert_state, o.update_filtered, o.delete_filtered, o.careless,
         -- the session in which to see it with one's own eyes
         format(E'begin;\nset local role %I;\n%s\n', r.role,
                (select statements from contexts where kind = 'tenant' order by ordinality limit 1)) as session,
         case when (select to_regprocedure('tenancy.protect(regclass, name)') is not null)
              then format('select tenancy.protect(%L, %L);', t.relation, t.tenant_column)
              else format(E'alter table %1$s enable row level security;\nalter table %1$s force row level security;\n'
                          'drop policy if exists tenant_floor on %1$s;\n'
                          'create policy tenant_floor on %1$s as restrictive\n  using (%2$s)\n  with check (%2$s);',
                          t.relation, t.predicate) end as mend
    from probed_roles r
   cross join tenant_tables t
    left join probe_answers o on o.role = r.role and o.relation = t.relation
)
