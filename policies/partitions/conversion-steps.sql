-- The steps that both methods have, and the way back. Those of shadow alone are in copy.sql, those of attach and the swap in swap.sql.

create or replace function partitions.step_build(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  made regclass;
  owner constant pg_catalog.oid := (select relowner from pg_catalog.pg_class where oid = c.source);
begin
  perform partitions.make_schema(partitions.workspace(c.source), owner);
  made := partitions.build_parent(c.source, c.key_column,
    format('%I.%I', partitions.workspace(c.source), (select relname from pg_catalog.pg_class where oid = c.source)), c.extend_keys);
  perform partitions.manage(made, c.period, c.time_zone, c.premake, c.retention);
  update partitions.conversions as t set parent = made, fingerprint = partitions.fingerprint(c.source) where t.relation = c.relation;
  return partitions.move_on(relation, 'children');
end
$$;
comment on function partitions.step_build(text) is 'Makes the partitioned table.';

create or replace function partitions.step_children(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  wanted constant record := (select w from partitions.wanted(c) as w);
  home constant pg_catalog.name := (select relnamespace::pg_catalog.regnamespace::pg_catalog.name from pg_catalog.pg_class where oid = c.source);
  next_one record;
begin
  -- One in a transaction, since each locks the tables that the foreign keys refer to. What is missing is asked at the beginning and at the end
  -- only: it means reading the bounds of all. In between the next period follows from the last.
  if c.made_until is null or c.made_until >= wanted.ends_at then
    select greatest(g.starts_at, p.starts_at) as starts_at, least(g.ends_at, p.ends_at) as ends_at into next_one
    from (select * from partitions.gaps(c.parent, wanted.starts_at, wanted.ends_at) limit 1) as g
    cross join lateral partitions.periods(c.period, c.time_zone, g.starts_at, g.starts_at) as p;
    if next_one.starts_at is null then
      update partitions.conversions as t set made_until = null where t.relation = c.relation;
      return partitions.move_on(relation, case c.method when 'attach' then 'index' else 'watch' end);
    end if;
  else
    select p.starts_at, p.ends_at into next_one from partitions.periods(c.period, c.time_zone, c.made_until, c.made_until) as p;
  end if;
  begin
    perform partitions.place_child(partitions.create_child(c.parent, next_one.starts_at, next_one.ends_at), c.source, home);
  exception when invalid_object_definition then
    -- Somebody else has made it, or a part of it.
    next_one.ends_at := null;
  end;
  update partitions.conversions as t set made_until = next_one.ends_at where t.relation = c.relation;
  return 'children';
end
$$;
comment on function partitions.step_children(text) is 'Makes the next partition.';

create or replace function partitions.step_validate(relation text) returns text
language plpgsql
set search_path = ''
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
  inbound record;
begin
  select k.conname, k.conrelid into inbound
  from pg_catalog.pg_constraint as k where k.contype = 'f' and k.confrelid = c.parent and k.conparentid = 0 and not k.convalidated
  order by k.oid limit 1;
  if inbound.conname is not null then
    execute format('alter table %s validate constraint %I', partitions.whole_name(inbound.conrelid), inbound.conname);
    return 'validate';
  end if;
  if c.method = 'shadow' then
    return partitions.move_on(relation, 'finish');
  end if;
  delete from partitions.conversions as t where t.relation = c.relation;
  return 'done';
end
$$;
comment on function partitions.step_validate(text) is 'Proves the next foreign key that refers to the table.';

create or replace function partitions.step_finish(relation text) returns text
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  execute format('drop table if exists %s', partitions.whole_name(c.source));
  execute format('drop schema if exists %I', partitions.attic(c.source));
  delete from partitions.conversions as t where t.relation = c.relation;
  return 'done';
end
$$;
comment on function partitions.step_finish(text) is 'Drops the old table.';

create or replace function partitions.undo_conversion(relation text) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  c constant partitions.conversions := partitions.conversion(relation);
begin
  if c.step in ('validate', 'finish') then
    raise object_not_in_prerequisite_state using
      message = format('%s is partitioned already', relation), hint = 'There is no way back: what was written since is in the partitioned table alone.';
  end if;
  execute format('lock table %s in access exclusive mode', partitions.whole_name(c.source));
  perform partitions.run(array(
    select format('drop trigger %I on %s', t.tgname, partitions.whole_name(c.source))
    from pg_catalog.pg_trigger as t where t.tgrelid = c.source and starts_with(t.tgname::text, '!partitions')
    union all
    select format('alter table %s drop constraint partition_bounds', partitions.whole_name(c.source))
    from pg_catalog.pg_constraint as k where k.conrelid = c.source and k.conname = 'partition_bounds' and c.method = 'attach'
    union all
    select format('drop index %s', partitions.whole_name(i.indexrelid))
    from pg_catalog.pg_index as i join pg_catalog.pg_class as x on x.oid = i.indexrelid where i.indrelid = c.source and partitions.is_extended(x.relname) and c.method = 'attach'));
  if c.parent is not null then
    delete from partitions.managed as m where m.parent = c.parent;
    execute format('drop table %s', partitions.whole_name(c.parent));
  end if;
  execute format('drop schema if exists %I cascade', partitions.workspace(c.source));
  delete from partitions.conversions as t where t.relation = c.relation;
end
$$;
comment on function partitions.undo_conversion(text) is 'Leaves nothing of a conversion that has not been swapped yet.';

revoke execute on function
  partitions.step_build(text), partitions.step_children(text), partitions.step_validate(text), partitions.step_finish(text), partitions.undo_conversion(text)
from public;
