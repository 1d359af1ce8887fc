-- What, besides the protected columns, holds data of guests: the registry that erasure goes by, and that a check compares with the
-- JSON columns there are. A column that nobody has thought about is one that nobody erases.

create table if not exists pii.guest_columns (
  relation text not null,
  column_name name not null,
  holds text not null check (holds in ('guest', 'about', 'text', 'json', 'code', 'nothing')),
  paths text[] not null default '{}',
  stays text,
  reason text,
  primary key (relation, column_name),
  constraint guest_columns_reason check ((reason is not null) = (holds = 'nothing')),
  constraint guest_columns_paths check (holds = 'json' or paths = '{}')
);
comment on table pii.guest_columns is 'The columns that hold data of guests besides the protected ones, and the JSON columns that hold none.';
comment on column pii.guest_columns.relation is 'schema.table.';
comment on column pii.guest_columns.holds is
  'guest: the id of a guest, and the row is about the guest. about: the id of a row that is about one. text: words about a guest, cleared. '
  'json: cleared of what names the guest. code: a key or code, replaced if it names the guest. nothing: no data of guests.';
comment on column pii.guest_columns.paths is
  'Of JSON: places that hold data of a guest whatever it looks like, such as {answers,diet}; a * stands for any key or place of an array.';
comment on column pii.guest_columns.stays is 'Of text: what is put in its place; NULL clears it.';
comment on column pii.guest_columns.reason is 'Of nothing: how that is known.';

revoke all on table pii.guest_columns from public, authenticated, anonymous, pii_reader;
grant select on table pii.guest_columns to app_pii, app_background;

create or replace function pii.register_guest_column(
  relation regclass, column_name name, holds text, paths text[] default '{}', stays text default null, reason text default null
) returns void
language plpgsql
set search_path = ''
as $$
declare
  target constant pg_catalog.text := pii.name_of(relation);
  type_name constant pg_catalog.name := (
    select coalesce(b.typname, t.typname)
    from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid left join pg_catalog.pg_type as b on b.oid = t.typbasetype
    where a.attrelid = relation and a.attname = register_guest_column.column_name and a.attnum > 0 and not a.attisdropped
  );
  tenant_column pg_catalog.name := pii.tenant_column_of(relation);
begin
  if type_name is null then
    raise undefined_column using message = format('%s has no column %I', coalesce(target, 'NULL'), column_name);
  end if;
  if holds <> 'nothing' and tenant_column is null then
    raise object_not_in_prerequisite_state using message = format('%s is not protected', target), hint = 'Call tenancy.protect() first.';
  end if;
  if not coalesce(type_name = any (case
    when holds in ('guest', 'about') then array['uuid']
    when holds = 'json' then array['json', 'jsonb']
    when holds in ('text', 'code') then array['text', 'varchar']
    when holds = 'nothing' then array[type_name] end), false)
  then
    raise datatype_mismatch using
      message = format('%s.%I is of type %s', target, column_name, type_name),
      hint = 'guest and about are for uuid, text and code for text, json for json and jsonb.';
  end if;
  insert into pii.guest_columns as g (relation, column_name, holds, paths, stays, reason)
  values (target, register_guest_column.column_name, register_guest_column.holds, coalesce(register_guest_column.paths, '{}'), register_guest_column.stays, register_guest_column.reason)
  on conflict on constraint guest_columns_pkey do update
    set holds = excluded.holds, paths = excluded.paths, stays = excluded.stays, reason = excluded.reason;

  -- Of a record that nobody may change app_pii takes out what names a guest: these columns, of the tenant at hand.
  if exists (select from pg_catalog.pg_policy where polrelid = relation and polname = 'append_only_update') and holds in ('json', 'text', 'code') then
    perform tenancy.append_only(relation);
    execute format('grant select on %s to app_pii', target);
    execute format('grant update (%I) on %s to app_pii', column_name, target);
    execute format('drop policy if exists pii_access on %s', target);
    execute format('create policy pii_access on %1$s to app_pii using (%2$I = (select public.current_restaurant_id())) with check (%2$I = (select public.current_restaurant_id()))',
      target, tenant_column);
    execute format('comment on policy pii_access on %s is %L', target, 'Erasure takes out what names a guest of the tenant at hand.');
    perform tenancy.isolate_children(relation);
  end if;
end
$$;
comment on function pii.register_guest_column(regclass, name, text, text[], text, text) is
  'Says what of guests a column holds (see pii.guest_columns.holds), for erasure, pii.find_customer() and check H1005. May be repeated.';

create or replace function pii.tenant_column_of(relation regclass) returns name
language sql stable
set search_path = ''
as $$
  select a.attname
  from pg_catalog.pg_policy as p
  join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid and d.refobjid = p.polrelid
  join pg_catalog.pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where p.polrelid = relation and p.polname = 'tenant_floor'
$$;
comment on function pii.tenant_column_of(regclass) is 'The column that tenancy.protect() isolates a table by; NULL if it does not.';

revoke execute on function
  pii.register_guest_column(regclass, name, text, text[], text, text), pii.tenant_column_of(regclass)
from public;
grant execute on function pii.tenant_column_of(regclass) to app_background, app_pii;
