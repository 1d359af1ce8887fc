-- Where anything of a guest is left, whether a column is registered or not: the proof that an erasure was one, and the way to columns
-- that somebody forgot.

create or replace function pii.find_customer(tenant uuid, customer uuid, also text[] default '{}', without_values boolean default false)
returns table (relation text, column_name name, found bigint, holds text)
language plpgsql volatile
set search_path = ''
as $$
declare
  who record;
  names pg_catalog.text;
  counts pg_catalog.int8[];
  t record;
begin
  perform pii.require_job();
  select * into who from pii.identity_of(tenant, customer, without_values, also);
  select string_agg(pii.name_pattern(n.name), '|') into names
  from (
    select c.full_name from public.customers as c where c.restaurant_id = tenant and c.id = customer
    union all
    select x from unnest(also) as x where not pii.is_email(pii.fold_email(x)) and x !~ '^[-+0-9 ./()]+$'
  ) as n (name);
  for t in
    select pii.name_of(c.oid::pg_catalog.regclass) as relation, pii.tenant_column_of(c.oid::pg_catalog.regclass) as tenant_column,
      array_agg(a.attname order by a.attnum) as columns,
      string_agg(format('count(*) filter (where pii.fold_text(c.%1$I::pg_catalog.text) ~ $2)', a.attname), ', ' order by a.attnum) as counters
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type as y on y.oid = a.atttypid and coalesce(nullif(y.typbasetype, 0), y.oid) in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype, 'pg_catalog.json'::pg_catalog.regtype,
        'pg_catalog.jsonb'::pg_catalog.regtype, 'pg_catalog.text[]'::pg_catalog.regtype)
    where c.relkind in ('r', 'p') and not c.relispartition and exists (select from pg_catalog.pg_policy where polrelid = c.oid and polname = 'tenant_floor')
      and has_column_privilege('app_background', c.oid, a.attnum, 'SELECT')
    group by c.oid
    order by 1
  loop
    execute format('select array[%s] from %s as c where c.%I = $1', t.counters, t.relation, t.tenant_column)
    into counts using tenant, nullif(concat_ws('|', who.addresses, names), '');
    return query
    select t.relation, x.column_name, x.found, coalesce(g.holds, case when p.relation is not null then 'sealed' end)
    from unnest(t.columns, counts) as x (column_name, found)
    left join pii.guest_columns as g on g.relation = t.relation and g.column_name = x.column_name
    left join pii.protected_columns as p on p.relation = t.relation and x.column_name = any (p.plain_columns || p.column_name)
    where x.found > 0;
  end loop;
end
$$;
comment on function pii.find_customer(uuid, uuid, text[], boolean) is
  'Where a guest''s address, number or whole name stands in the tenant''s rows: table, column, rows, and what is registered of the column (NULL: nothing, so that erasure passes it by). '
  'A name may be another guest''s too. also: what to look for besides, such as the address of a guest who has been erased. PI001: the values are sealed, and the key is not there. For background jobs.';
revoke execute on function pii.find_customer(uuid, uuid, text[], boolean) from public;
grant execute on function pii.find_customer(uuid, uuid, text[], boolean) to app_background;
