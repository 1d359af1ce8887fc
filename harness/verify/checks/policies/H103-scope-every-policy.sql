-- code: H103
-- name: scope-every-policy
-- title: Every permissive policy is limited to the tenant by itself
-- severity: low
-- kind: probe
-- uses: observed
select o.relation as object,
       case when not o.seen then 'error' when o.sqlstate is not null then 'skipped'
            when jsonb_typeof(o.careless) = 'array' then 'fail' else 'pass' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when o.sqlstate is not null
            then format('its policies could not be evaluated one by one: %s (%s)', o.message, o.sqlstate)
            when jsonb_typeof(o.careless) = 'array'
            then format(
                'policy %s by itself lets other tenants'' rows through; only a restrictive policy holds it back',
                (select string_agg(quote_ident(p), ', ') from jsonb_array_elements_text(o.careless) as p))
            else 'each permissive policy is limited to the tenant' end as detail,
       case when jsonb_typeof(o.careless) = 'array'
            then format(
                'select polname, polpermissive, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) '
                'from pg_policy where polrelid = %L::regclass;', o.relation) end as evidence,
       case when jsonb_typeof(o.careless) = 'array'
            then (select string_agg(format('drop policy %I on %s;', p, o.relation), E'\n')
                    from jsonb_array_elements_text(o.careless) as p) end as fix,
       null::text as severity
  from observed o
 where o.active or not o.seen
 order by o.relation, o.place
