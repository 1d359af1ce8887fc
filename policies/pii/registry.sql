-- Which columns are protected, and how far the roll-out of each table has come.

create table if not exists pii.protected_tables (
  relation text primary key,
  tenant_column name not null,
  id_column name not null,
  phase text not null default 'expand' check (phase in ('expand', 'backfilled', 'verified', 'switched', 'retiring', 'retired')),
  since timestamptz not null default now()
);
comment on table pii.protected_tables is 'The tables with protected columns.';
comment on column pii.protected_tables.relation is 'schema.table. Part of what values are authenticated with: a table that is renamed keeps its name here, and pii.table_of() finds it.';
comment on column pii.protected_tables.phase is
  'expand: every write is sealed too. backfilled: nothing is unsealed. verified: every value opens and is what stands in clear. '
  'switched: tenants read the views only. retiring: new plaintext is not stored. retired: there is none.';
comment on column pii.protected_tables.since is 'When it came into the phase.';

create table if not exists pii.protected_columns (
  relation text not null references pii.protected_tables (relation),
  column_name name not null,
  kind text not null check (kind in ('email', 'phone', 'name', 'text')),
  plain_columns name[] not null default '{}',
  primary key (relation, column_name)
);
comment on table pii.protected_columns is
  'The protected columns. Beside column x stand x_encrypted, x_masked and, for an e-mail or phone, x_search and x_search_alt.';
comment on column pii.protected_columns.kind is 'email and phone are normalised and found by a blind index; name and text are sealed and masked only.';
comment on column pii.protected_columns.plain_columns is 'What is derived from the plaintext and goes with it: dropped when the table is retired.';

revoke all on table pii.protected_tables, pii.protected_columns from public, authenticated, anonymous, pii_reader;
grant select on table pii.protected_tables, pii.protected_columns to app_pii, app_background;

create or replace function pii.name_of(relation regclass) returns text
language sql stable
set search_path = ''
as $$
  select format('%I.%I', n.nspname, c.relname)
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = relation
$$;
comment on function pii.name_of(regclass) is 'schema.table, whatever the search_path is.';

-- By the trigger first: it goes with a table that is renamed or moved, whereas its old name may be another table's by now.
create or replace function pii.table_of(relation text) returns regclass
language sql stable
set search_path = ''
as $$
  select coalesce(
    (select t.tgrelid from pg_catalog.pg_trigger as t
     where t.tgname = 'pii_1_seal' and t.tgfoid = to_regprocedure(format('pii.%I()', 'seal ' || table_of.relation))
     order by t.tgrelid = to_regclass(table_of.relation) desc limit 1),
    case when exists (select from pg_catalog.pg_attribute as a
      join pii.protected_columns as c on c.relation = table_of.relation and a.attname = c.column_name || '_encrypted'
      where a.attrelid = to_regclass(table_of.relation) and not a.attisdropped)
      then to_regclass(table_of.relation) end
  )::pg_catalog.regclass
$$;
comment on function pii.table_of(text) is 'The table that is registered as schema.table, whatever it is called by now; NULL if it is gone.';

create or replace function pii.registered(relation regclass) returns pii.protected_tables
language plpgsql stable
set search_path = ''
as $$
declare
  found_table pii.protected_tables;
begin
  select * into found_table from pii.protected_tables as t where pii.table_of(t.relation) = registered.relation;
  if found_table.relation is null then
    raise undefined_object using
      message = format('%s has no protected columns', coalesce(relation::pg_catalog.text, 'NULL')), hint = 'See pii.protect().';
  end if;
  return found_table;
end
$$;
comment on function pii.registered(regclass) is 'What is registered of a protected table, under the name that its values are sealed for; an error if it is none.';

create or replace function pii.forget(relation text) returns void
language plpgsql
set search_path = ''
as $$
begin
  if pii.table_of(forget.relation) is not null then
    raise object_not_in_prerequisite_state using
      message = format('%s is there, with sealed values', pii.table_of(forget.relation)),
      hint = 'Only a table that is gone can be forgotten.';
  end if;
  delete from pii.guest_columns as g where g.relation = forget.relation;
  delete from pii.protected_columns as c where c.relation = forget.relation;
  delete from pii.protected_tables as t where t.relation = forget.relation;
  if not found then
    raise undefined_object using message = format('%s is not registered', coalesce(forget.relation, 'NULL'));
  end if;
end
$$;
comment on function pii.forget(text) is 'Takes a protected table that was dropped out of the registry. Its function stays, unused, since it is app_pii''s.';

create or replace function pii.phase(relation regclass) returns text
language sql stable
set search_path = ''
as $$ select (pii.registered(relation)).phase $$;
comment on function pii.phase(regclass) is 'How far the roll-out of the table has come: see pii.protected_tables.phase.';

revoke execute on function pii.name_of(regclass), pii.table_of(text), pii.registered(regclass), pii.forget(text), pii.phase(regclass) from public;
grant execute on function pii.name_of(regclass), pii.table_of(text), pii.registered(regclass), pii.phase(regclass) to app_pii, app_background;
