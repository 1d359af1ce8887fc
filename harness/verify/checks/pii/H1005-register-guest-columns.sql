-- code: H1005
-- name: register-guest-columns
-- title: Of every JSON column it is known what it holds of guests, so that erasure reaches it
-- severity: medium
-- kind: catalogue
-- uses: tenant_tables
-- sources: https://gdpr-info.eu/art-17-gdpr/ (right to erasure)
-- No row is read: whether a column holds data of guests is for a person to say. Where there is no registry, nobody has
-- asked for this.
with guest_registry as materialized (
  select nullif(s.survey -> 'guestColumns', 'null') as columns
    from (select nullif(current_setting('harness.pii')::jsonb, 'null') as survey) as s
   where s.survey is not null
),
registered as materialized (
  select g.relation, g."columnName" as column_name, a.attname is not null as present
    from guest_registry r
   cross join jsonb_to_recordset(r.columns) as g (relation text, "columnName" text)
    left join pg_catalog.pg_attribute a on a.attrelid = to_regclass(g.relation) and a.attname = g."columnName"
     and a.attnum > 0 and not a.attisdropped
),
json_columns as materialized (
  select format('%I.%I', n.nspname, c.relname) as relation, a.attname as column_name
    from tenant_tables t
    join pg_catalog.pg_class c on c.oid = t.oid and c.relkind in ('r', 'p') and not c.relispartition
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type y on y.oid = a.atttypid
   where coalesce(nullif(y.typbasetype, 0), y.oid) in ('pg_catalog.json'::regtype, 'pg_catalog.jsonb'::regtype)
     and exists (select from guest_registry where columns is not null)
)
select format('%s.%I', j.relation, j.column_name) as object,
       case when r.relation is null then 'fail' else 'pass' end as outcome,
       case when r.relation is null then 'nobody has said whether it holds data of guests: erasure passes it by'
            else 'erasure knows it' end as detail,
       case when r.relation is null
            then format(
                'select count(*) from pii.guest_columns where relation = %L and column_name = %L;  -- expected: 1',
                j.relation, j.column_name) end as evidence,
       case when r.relation is null
            then format('select pii.register_guest_column(%L, %L, ''json'');  -- or ''nothing'', with the reason',
                        j.relation, j.column_name) end as fix,
       null::text as severity
  from json_columns j
  left join registered r on r.relation = j.relation and r.column_name = j.column_name
 union all
select format('%s.%I', r.relation, r.column_name), 'fail',
       'it is registered and not there: renamed, it would be passed by; erasure refuses to begin',
       format('select to_regclass(%L), * from pii.guest_columns where relation = %1$L and column_name = %L;',
              r.relation, r.column_name),
       format('delete from pii.guest_columns where relation = %L and column_name = %L;', r.relation, r.column_name),
       null
  from registered r
 where not r.present
 order by object
