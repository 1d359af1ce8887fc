-- Puts columns of a table under protection: the derived columns, what app_pii may do, and the triggers. May be repeated.
-- The indexes come by themselves, pii.index_statements(), since a table in use wants them CONCURRENTLY.
create or replace function pii.protect(relation regclass, tenant_column name, id_column name, columns jsonb) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  target constant pg_catalog.text := pii.name_of(relation);
  -- A table that was renamed keeps the name that its values are sealed for.
  registered_as constant pg_catalog.text := coalesce((select t.relation from pii.protected_tables as t where pii.table_of(t.relation) = protect.relation), target);
  f record;
begin
  perform pii.assert_sealable(relation, tenant_column, id_column, columns);
  if pii.table_of(registered_as) <> relation then
    raise duplicate_table using
      message = format('%s is the name that the values of %s are sealed for', target, pii.table_of(registered_as)),
      hint = 'Give the new table another name, or the old one its own again.';
  end if;
  insert into pii.protected_tables as t (relation, tenant_column, id_column)
  values (registered_as, tenant_column, id_column)
  on conflict on constraint protected_tables_pkey do nothing;

  for f in
    select c.key as plain, c.value ->> 'kind' as kind,
      array(select jsonb_array_elements_text(coalesce(c.value -> 'derived', '[]')))::pg_catalog.name[] as derived
    from jsonb_each(columns) as c
  loop
    insert into pii.protected_columns as p (relation, column_name, kind, plain_columns)
    values (registered_as, f.plain, f.kind, f.derived)
    on conflict on constraint protected_columns_pkey do update set kind = excluded.kind, plain_columns = excluded.plain_columns;
    execute format(
      'alter table %1$s add column if not exists %2$I bytea, add column if not exists %3$I text',
      target, f.plain || '_encrypted', f.plain || '_masked');
    execute format('comment on column %s.%I is %L', target, f.plain || '_encrypted', 'Sealed: see docs/pii.md. Written by a trigger.');
    execute format('comment on column %s.%I is %L', target, f.plain || '_masked', 'What may be shown without a key. Written by a trigger.');
    execute format('grant select (%I, %I) on %s to app_pii', f.plain || '_encrypted', f.plain || '_masked', target);
    if f.kind in ('email', 'phone') then
      execute format(
        'alter table %1$s add column if not exists %2$I bytea, add column if not exists %3$I bytea',
        target, f.plain || '_search', f.plain || '_search_alt');
      execute format('comment on column %s.%I is %L', target, f.plain || '_search', 'Blind index under a key with an odd id. Written by a trigger.');
      execute format('comment on column %s.%I is %L', target, f.plain || '_search_alt', 'Blind index under a key with an even id: during a rotation both are there.');
      execute format('grant select (%I, %I) on %s to app_pii', f.plain || '_search', f.plain || '_search_alt', target);
    end if;
  end loop;

  execute format('grant select (%I, %I) on %s to app_pii', tenant_column, id_column, target);
  execute format('drop policy if exists pii_access on %s', target);
  execute format(
    'create policy pii_access on %s for select to app_pii using (%I = (select public.current_restaurant_id()))',
    target, tenant_column);
  execute format('comment on policy pii_access on %s is %L', target,
    'What the views and look-ups of app_pii reach: the rows of the tenant in the context. No OR, which would keep them off the index.');
  perform pii.build_trigger(relation);
end
$$;
comment on function pii.protect(regclass, name, name, jsonb) is
  'Protects columns of a table that tenancy.protect() isolates, which begins its roll-out in phase expand. Columns: '
  '{"email": {"kind": "email", "derived": ["email_normalized"]}}; kinds: email, phone, name, text; derived: columns with '
  'plaintext that go when the table is retired.';

create or replace function pii.assert_sealable(relation regclass, tenant_column name, id_column name, columns jsonb) returns void
language plpgsql stable
set search_path = ''
as $$
declare
  wrong pg_catalog.text;
begin
  if relation is null or tenant_column is null or id_column is null or jsonb_typeof(columns) is distinct from 'object' then
    raise null_value_not_allowed using message = 'pii.protect() needs a table, its tenant column, its id column and the columns to protect';
  end if;
  if not exists (select from pg_catalog.pg_policy where polrelid = relation and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', relation), hint = 'Call tenancy.protect() first.';
  end if;
  if octet_length(pii.name_of(relation)) > 58 then
    raise name_too_long using message = format('the name of %s is longer than 58 bytes', relation), hint = 'The function that seals its rows is named after it.';
  end if;
  if (select relkind from pg_catalog.pg_class where oid = relation) <> 'r' then
    raise wrong_object_type using
      message = format('%s is no ordinary table', relation), hint = 'Partitioned tables are not supported.';
  end if;
  select string_agg(k.name, ', ') into wrong
  from unnest(array[tenant_column, id_column]) as k (name)
  where not exists (
    select from pg_catalog.pg_attribute
    where attrelid = relation and attname = k.name and not attisdropped and attnotnull and atttypid = 'pg_catalog.uuid'::pg_catalog.regtype
  );
  if wrong is not null then
    raise datatype_mismatch using message = format('of %s these have to be columns of type uuid and NOT NULL: %s', relation, wrong);
  end if;
  select string_agg(c.key, ', ') into wrong
  from jsonb_each(columns) as c
  where coalesce(c.value ->> 'kind', '') not in ('email', 'phone', 'name', 'text') or octet_length(c.key) > 52
    or not exists (
      select from pg_catalog.pg_attribute
      where attrelid = relation and attname = c.key and not attisdropped
        and atttypid in ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)
    );
  if wrong is not null then
    raise datatype_mismatch using
      message = format('of %s these cannot be protected: %s', relation, wrong),
      hint = 'A column of type text, its name no longer than 52 bytes, as {"kind": "email" | "phone" | "name" | "text"}.';
  end if;
end
$$;
comment on function pii.assert_sealable(regclass, name, name, jsonb) is 'Raises an error if pii.protect() could not protect these columns.';

create or replace function pii.index_statements(relation regclass) returns setof text
language sql stable
set search_path = ''
as $$
  select format('create %sindex concurrently if not exists %I on %s (%I, %I) where %I is not null',
    case when c.kind = 'email' then 'unique ' else '' end,
    replace(split_part(t.relation, '.', 2), '"', '') || '_' || c.column_name || s.suffix || '_idx',
    pii.name_of(index_statements.relation), t.tenant_column, c.column_name || s.suffix, c.column_name || s.suffix)
  from pii.registered(index_statements.relation) as t
  join pii.protected_columns as c on c.relation = t.relation and c.kind in ('email', 'phone')
  cross join unnest(array['_search', '_search_alt']) as s (suffix)
  order by c.column_name, s.suffix
$$;
comment on function pii.index_statements(regclass) is
  'What builds the indexes of the blind indexes, each in a transaction of its own. An e-mail address is unique within a tenant, as it was in clear.';

revoke execute on function
  pii.protect(regclass, name, name, jsonb), pii.assert_sealable(regclass, name, name, jsonb), pii.index_statements(regclass)
from public;
