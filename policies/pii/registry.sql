-- Which columns are protected, and how far the roll-out of each table has come.

create table if not exists pii.protected_tables (
  relation text primary key,
  tenant_column name not null,
  id_column name not null,
  phase text not null default 'expand' check (phase in ('expand', 'backfilled', 'verified', 'switched', 'retiring', 'retired')),
  since timestamptz not null default now()
);
comment on table pii.protected_tables is 'The tables with protected columns.';
comment on column pii.protected_tables.relation is 'schema.table. Part of what values are authenticated with: a table that is renamed keeps its name here.';
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

create or replace function pii.registered(relation regclass) returns pii.protected_tables
language plpgsql stable
set search_path = ''
as $$
declare
  found_table pii.protected_tables;
begin
  select * into found_table from pii.protected_tables as t where t.relation = pii.name_of(registered.relation);
  if found_table.relation is null then
    raise undefined_object using
      message = format('%s has no protected columns', coalesce(relation::pg_catalog.text, 'NULL')), hint = 'See pii.protect().';
  end if;
  return found_table;
end
$$;
comment on function pii.registered(regclass) is 'What is registered of a protected table; an error if it is none.';

create or replace function pii.phase(relation regclass) returns text
language sql stable
set search_path = ''
as $$ select (pii.registered(relation)).phase $$;
comment on function pii.phase(regclass) is 'How far the roll-out of the table has come: see pii.protected_tables.phase.';

revoke execute on function pii.name_of(regclass), pii.registered(regclass), pii.phase(regclass) from public;
grant execute on function pii.name_of(regclass), pii.registered(regclass), pii.phase(regclass) to app_pii, app_background;
