-- The end of a conversion: one transaction that changes the catalogue only. What it needs to know it finds out before it has the lock.

create or replace function partitions.index_statements(relation text)
returns table (index text, statement text, valid boolean)
language sql stable
set search_path = ''
as $$
  select format('%I.%I', n.nspname, e.name),
    format('create unique index concurrently %I on %s %s', e.name, c.relation, e.definition), i.indisvalid
  from partitions.conversions as c
  join pg_catalog.pg_class as t on t.oid = c.source
  join pg_catalog.pg_namespace as n on n.oid = t.relnamespace
  cross join lateral partitions.key_definitions(c.source, c.key_column) as d
  cross join lateral (
    select partitions.extended_name(d.name),
      partitions.with_key(substr(pg_catalog.pg_get_indexdef(d.index),
        length(format('create unique index %I on %s ', d.name, partitions.whole_name(c.source))) + 1), c.key_column)
  ) as e (name, definition)
  left join pg_catalog.pg_class as x on x.relnamespace = t.relnamespace and x.relname = e.name
  left join pg_catalog.pg_index as i on i.indexrelid = x.oid
  where c.relation = index_statements.relation and d.extended
  order by e.name
$$;
comment on function partitions.index_statements(text) is
  'The unique indexes with the partition key that the old table needs to become a partition. valid: NULL if it is not there yet. Each statement '
  'runs outside of transactions.';

create or replace function partitions.bound_literal(conversion partitions.conversions) returns text
language sql stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
  select quote_literal(case k.type
    when 'pg_catalog.timestamptz'::pg_catalog.regtype then conversion.legacy_until::text
    when 'pg_catalog.date'::pg_catalog.regtype then (conversion.legacy_until at time zone 'UTC')::date::text
    else (conversion.legacy_until at time zone 'UTC')::text end)
  from partitions.key(conversion.parent) as k
$$;
comment on function partitions.bound_literal(partitions.conversions) is 'Where the old table ends, as a constant of the type of the key.';

create or replace function partitions.step_bound(relation text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  later constant timestamp with time zone := partitions.legacy_bound(c.period, c.time_zone, c.newest);
begin
  -- Time has gone by since it was planned: what was made for the time after the bound is empty, and begins later.
  if later > c.legacy_until then
    perform partitions.run(array(select format('drop table %s', partitions.whole_name(p.child)) from partitions.children(c.parent) as p where p.starts_at < later));
    update partitions.conversions as t set legacy_until = later where t.relation = c.relation;
    return partitions.move_on(relation, 'children');
  end if;
  execute format('alter table %s add constraint partition_bounds check (%I < %s) not valid', c.relation, c.key_column, partitions.bound_literal(c));
  return partitions.move_on(relation, 'prove');
end
$$;
comment on function partitions.step_bound(text) is 'From the commit on, the table takes no row that lies beyond its bound. Looks at none, and locks the table for that moment.';

create or replace function partitions.lift_bound(relation text) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  if c.step not in ('prove', 'swap') or c.method <> 'attach' or now() < c.legacy_until - interval '2 hours' then
    return false;
  end if;
  execute format('alter table %s drop constraint partition_bounds', c.relation);
  perform partitions.move_on(relation, 'bound');
  return true;
end
$$;
comment on function partitions.lift_bound(text) is
  'Takes the bound away from a table whose conversion was left alone until the bound came near, before it refuses what is written now.';

create or replace function partitions.step_prove(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  execute format('alter table %s validate constraint partition_bounds', c.relation);
  return partitions.move_on(relation, 'swap');
end
$$;
comment on function partitions.step_prove(text) is 'Reads the table, while it is in use, so that the swap need not.';

create or replace function partitions.attach_old(conversion partitions.conversions) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  source constant regclass := conversion.source;
  relation pg_catalog.pg_class;
  home pg_catalog.name;
  legacy pg_catalog.name;
  dressing constant pg_catalog.text[] := partitions.dress_statements(source, true);
  k record;
begin
  select * into relation from pg_catalog.pg_class as c where c.oid = source;
  home := relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name;
  legacy := partitions.free_name(relation.relnamespace, relation.relname, 'legacy');
  perform partitions.run(partitions.undress_statements(source, true));
  for k in select * from partitions.key_definitions(source, conversion.key_column) loop
    if not k.extended then
      execute format('alter index %I.%I rename to %I', relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name, k.name, partitions.renamed_part(k.name, relation.relname, legacy));
    elsif k.kind = 'U' then
      execute format('drop index %s', partitions.whole_name(k.index));
      execute format('alter index %I.%I rename to %I', relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name,
        partitions.extended_name(k.name), partitions.renamed_part(k.name, relation.relname, legacy));
    else
      execute format('alter table %s drop constraint %I', partitions.whole_name(source), k.constraint_name);
      execute format('alter table %s add constraint %I %s using index %I%s', partitions.whole_name(source), partitions.renamed_part(k.name, relation.relname, legacy),
        case k.kind when 'p' then 'primary key' else 'unique' end, partitions.extended_name(k.name), substring(k.body, ' DEFERRABLE.*$'));
    end if;
  end loop;
  perform partitions.run(array(
    select format('alter statistics %s.%I rename to %I', x.stxnamespace::pg_catalog.regnamespace, x.stxname, partitions.renamed_part(x.stxname, relation.relname, legacy))
    from pg_catalog.pg_statistic_ext as x where x.stxrelid = source));
  execute format('alter table %s rename to %I', partitions.whole_name(source), legacy);
  perform partitions.move_table(conversion.parent, home);
  execute format('alter table %s attach partition %s for values from (minvalue) to (%s)', partitions.whole_name(conversion.parent), partitions.whole_name(source),
    partitions.bound_literal(conversion));
  perform partitions.run(dressing);
  perform partitions.isolate(conversion.parent, source);
  if relation.relreplident in ('f', 'n') then
    execute format('alter table %s replica identity %s', partitions.whole_name(source), case relation.relreplident when 'f' then 'full' else 'nothing' end);
  end if;
end
$$;
comment on function partitions.attach_old(partitions.conversions) is 'Makes the old table the first partition of the new one, which gets its name. The caller holds ACCESS EXCLUSIVE on both.';

create or replace function partitions.step_swap(relation text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  old_name pg_catalog.name;
  stray record;
begin
  perform partitions.refuse_blocked(c);
  if c.method = 'shadow' then
    perform partitions.refuse_older_transactions(relation);
  end if;
  -- What partitions maintain has made meanwhile is where the partitioned table is.
  for stray in
    select s.child, k.relnamespace::pg_catalog.regnamespace::pg_catalog.name as home
    from partitions.children(c.parent) as s
    join pg_catalog.pg_class as x on x.oid = s.child and x.relnamespace = partitions.workspace(c.source)::text::pg_catalog.regnamespace
    join pg_catalog.pg_class as k on k.oid = c.source
  loop
    perform partitions.place_child(stray.child, c.source, stray.home);
  end loop;
  -- A session plans a query when it asks it first: not under the lock.
  perform partitions.fingerprint(c.source), partitions.dress_statements(c.source, false), partitions.undress_statements(c.source, c.method = 'attach'),
    partitions.close_table(c.parent);
  execute format('lock table %s in access exclusive mode', partitions.whole_name(c.source));
  if partitions.fingerprint(c.source) <> c.fingerprint then
    raise object_not_in_prerequisite_state using
      message = format('the definition of %s has been changed since its partitions were made', relation),
      hint = format('harness partitions convert %s --rollback, and begin again.', relation);
  end if;
  if c.method = 'attach' then
    perform partitions.attach_old(c);
  else
    select partitions.free_name(k.relnamespace, k.relname, 'before_partitions') into old_name from pg_catalog.pg_class as k where k.oid = c.source;
    perform partitions.make_schema(partitions.attic(c.source), (select k.relowner from pg_catalog.pg_class as k where k.oid = c.source));
    perform partitions.exchange(c.source, c.parent, partitions.attic(c.source), old_name);
    execute format('drop function if exists %I.repeat()', partitions.workspace(c.source));
  end if;
  execute format('drop schema %I', partitions.workspace(c.source));
  -- Nobody should have taken it from them.
  perform partitions.isolate(c.parent, s.child)
  from partitions.children(c.parent) as s
  join pg_catalog.pg_class as x on x.oid = s.child
  join pg_catalog.pg_class as k on k.oid = c.parent
  where (x.relrowsecurity, x.relforcerowsecurity) is distinct from (k.relrowsecurity, k.relforcerowsecurity);
  return partitions.move_on(relation, 'validate');
end
$$;
comment on function partitions.step_swap(text) is
  'The partitioned table gets the name, and all that goes along with it. Locks the table against everybody until the transaction ends.';

revoke execute on function
  partitions.index_statements(text), partitions.bound_literal(partitions.conversions), partitions.step_bound(text), partitions.lift_bound(text), partitions.step_prove(text),
  partitions.attach_old(partitions.conversions), partitions.step_swap(text)
from public;
