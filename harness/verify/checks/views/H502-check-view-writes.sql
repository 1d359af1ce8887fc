-- code: H502
-- name: check-view-writes
-- title: A view past row security takes only the rows that it shows
-- severity: high
-- kind: catalogue
-- uses: tenant_views, view_uses, subject_roles, view_edges, protected_tables, vocabulary
-- sources: bypass catalogue row 49;
--   https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
with options as materialized (
  select v.*, v.relowner as owner,
         (select x.option_value from pg_catalog.pg_class c, pg_catalog.pg_options_to_table(c.reloptions) as x
           where c.oid = v.oid and x.option_name = 'check_option') as checks,
         -- what a rule or a trigger does instead, H603 looks at
         pg_relation_is_updatable(v.oid, false) &
           ~ coalesce((select bit_or(case r.ev_type when '3' then 8 when '2' then 4 else 0 end)
                         from pg_catalog.pg_rewrite r where r.ev_class = v.oid and r.ev_type <> '1' and r.is_instead),
                              0)
                                                & ~ coalesce((
                                                    select bit_or(case when g.tgtype & 4 <> 0 then 8
                                                                       else 0 end | case when g.tgtype & 16 <> 0 then 4
                                                                           else 0 end)
                                                                from pg_catalog.pg_trigger g
                                                               where g.tgrelid = v.oid and g.tgtype & 64 <> 0),
                                                                     0) as writable
    from tenant_views v
   where v.relkind = 'v' and v.oid in (select u.view from view_uses u)
),
-- A row that is written goes down to the table; CASCADED looks at what every view below shows, LOCAL at the view
-- itself.
walk as materialized (
  with recursive w as (
    select t.oid as tenant, t.role, v.oid as top, v.oid as view,
           case when v.invoker then t.oid else v.owner end as writer,
           coalesce(v.checks = 'cascaded', false) as above,
           coalesce(v.checks in ('local', 'cascaded'), false) as checked,
           has_any_column_privilege(t.oid, v.oid, 'INSERT') and v.writable & 8 <> 0 as inserts,
           has_any_column_privilege(t.oid, v.oid, 'UPDATE') and v.writable & 4 <> 0 as updates
      from subject_roles t
     cross join options v
     where has_schema_privilege(t.oid, v.relnamespace, 'USAGE') and v.writable & 12 <> 0
       and has_any_column_privilege(t.oid, v.oid, 'INSERT, UPDATE')
    union
    select w.tenant, w.role, w.top, n.oid, case when n.invoker then w.tenant else n.owner end,
           w.above or coalesce(n.checks = 'cascaded', false), w.above
             or coalesce(n.checks in ('local', 'cascaded'), false),
           w.inserts and has_any_column_privilege(w.writer, n.oid, 'INSERT'), w.updates
             and has_any_column_privilege(w.writer, n.oid, 'UPDATE')
      from w
      join view_edges e on e.view = w.view
      join options n on n.oid = e.ref
     where n.writable & 12 <> 0
  )
  select * from w where inserts or updates
),
verdicts as materialized (
  select w.*, v.relation, o.rolname as writer_name, t.relation as base, top.relation as top_relation,
         v.rule, t.oid as table_oid, t.tenant_columns,
         w.writer <> w.tenant
           and (not t.relrowsecurity or o.rolsuper or o.rolbypassrls
                or (not t.relforcerowsecurity and pg_has_role(o.oid, t.relowner, 'USAGE'))) as exempt
    from walk w
    join options v on v.oid = w.view
    join options top on top.oid = w.top
    join view_edges e on e.view = w.view
    join protected_tables t on t.oid = e.ref
    join pg_catalog.pg_roles o on o.oid = w.writer
   where has_any_column_privilege(w.writer, t.oid, 'INSERT, UPDATE')
),
-- Definitions are read where the answer hangs on them.
exposures as materialized (
  select x.view, x.table_oid, x.tenant, x.top,
         -- the tenant can be written through it
         x.tenant_columns is null or exists (
           select from pg_catalog.pg_rewrite r,
                  regexp_matches(r.ev_action::text, ':resno (\d+) [^{}]*:resorigtbl ' || x.table_oid
                                 || ' :resorigcol (\d+) ', 'g') as m (n)
             join pg_catalog.pg_attribute a on a.attrelid = x.table_oid and a.attnum = m.n[2]::int
              and a.attname = any (x.tenant_columns)
            where r.oid = x.rule
              and (x.top <> x.view or has_column_privilege(x.tenant, x.view, m.n[1]::int::smallint, 'INSERT')
                   or has_column_privilege(x.tenant, x.view, m.n[1]::int::smallint, 'UPDATE'))) as exposed,
         -- a view that does not even mention the context shows other tenants' rows, and H501 says so
         translate(regexp_replace(pg_get_viewdef(x.view), $re$\mcurrent_setting\s*\(\s*'\w+\.[^']*'$re$,
                                  'harness_context(_', 'gi'), '@', '_') ~* y.context as filters
    from verdicts x cross join vocabulary y
   where x.exempt and not x.checked
),
worst as (
  select distinct on (v.view) v.*, coalesce(x.exposed and x.filters, false) as open, x.exposed
    from verdicts v
    left join exposures x on x.view = v.view and x.table_oid = v.table_oid and x.tenant = v.tenant and x.top = v.top
   order by v.view, coalesce(x.exposed and x.filters, false) desc, v.top <> v.view, v.role, v.top_relation
)
select w.relation as object,
       case when w.open then 'fail' else 'pass' end as outcome,
       case when w.open
            then format(
                '%I has %s on %s: it shows the rows of one tenant, but takes rows of any, as it writes to %s as %I '
                'past row security, without WITH CHECK OPTION',
                                    w.role,
                                    concat_ws(', ', case when w.inserts then 'insert' end,
                                              case when w.updates then 'update' end), w.top_relation, w.base,
                                              w.writer_name)
            when not w.exempt then format('row security of %s refuses what it should not take', w.base)
            when w.checked then 'WITH CHECK OPTION refuses what it would not show'
            when not w.exposed then 'the tenant column can''t be written through it'
            else 'it has no filter on the context: see H501' end as detail,
       case when w.open
            then format(
                E'select reloptions, pg_get_viewdef(oid, true) from pg_class where oid = %L::regclass;\nselect '
                 'is_insertable_into from information_schema.tables where format(''%%I.%%I'', table_schema, '
                 'table_name) = %L;',
                                    w.relation, w.relation) end as evidence,
       case when w.open then format('alter view %s set (check_option = cascaded);', w.relation) end as fix,
       null::text as severity
  from worst w
