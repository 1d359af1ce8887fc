-- For small tables, in one transaction: what a migration calls.

create or replace function partitions.fill_children(source regclass, parent regclass, key name, home name) returns void
language plpgsql
set search_path = ''
set timezone = 'UTC'
as $$
declare
  settings constant partitions.managed := partitions.settings(parent);
  type constant pg_catalog.regtype := (select k.type from partitions.key(parent) as k);
  oldest pg_catalog.timestamptz;
  newest pg_catalog.timestamptz;
  step constant interval := partitions.step(settings.period);
  made record;
begin
  execute format('select min(%1$I)::pg_catalog.timestamptz, max(%1$I)::pg_catalog.timestamptz from %2$s', key, partitions.whole_name(source)) into oldest, newest;
  if not (isfinite(coalesce(oldest, now())) and isfinite(coalesce(newest, now()))) then
    raise check_violation using
      message = format('%I of %s is infinite in some rows, and no partition is for them', key, source),
      hint = 'Give them a date.';
  end if;
  perform partitions.refuse_too_many(source, key, settings.period, least(oldest, now()), greatest(newest, now()) + settings.premake * step);
  for made in
    select f.child
    from partitions.periods(settings.period, settings.time_zone, least(oldest, now()), greatest(newest, now()) + settings.premake * step) as p
    cross join lateral partitions.fill(parent, p.starts_at, p.ends_at) as f (child)
  loop
    perform partitions.place_child(made.child, source, home);
  end loop;
end
$$;
comment on function partitions.fill_children(regclass, regclass, name, name) is
  'Partitions for the rows of source, and for the periods ahead. They are in the schema where the table will be, stored like source.';

create or replace function partitions.place_child(child regclass, source regclass, home name) returns void
language plpgsql
set search_path = ''
as $$
declare
  made pg_catalog.pg_class;
  like_source pg_catalog.pg_class;
begin
  select * into made from pg_catalog.pg_class as c where c.oid = child;
  select * into like_source from pg_catalog.pg_class as c where c.oid = source;
  if made.relnamespace <> home::text::pg_catalog.regnamespace then
    if exists (select from pg_catalog.pg_class as c where c.relnamespace = home::text::pg_catalog.regnamespace and c.relname = made.relname) then
      execute format('alter table %s rename to %I', partitions.whole_name(child), partitions.free_name(home::text::pg_catalog.regnamespace, made.relname, '2'));
    end if;
    perform partitions.run(array(
      select format('alter index %s rename to %I', partitions.whole_name(i.indexrelid), partitions.free_name(taken.relnamespace, x.relname, '2'))
      from pg_catalog.pg_index as i
      join pg_catalog.pg_class as x on x.oid = i.indexrelid
      join pg_catalog.pg_class as taken on taken.relname = x.relname and taken.relnamespace = home::text::pg_catalog.regnamespace
      where i.indrelid = child
      union all
      select format('alter statistics %s.%I rename to %I', x.stxnamespace::pg_catalog.regnamespace, x.stxname, left(x.stxname::text, 40) || '_' || left(md5(child::text || now()), 8))
      from pg_catalog.pg_statistic_ext as x
      join pg_catalog.pg_statistic_ext as taken on taken.stxname = x.stxname and taken.stxnamespace = home::text::pg_catalog.regnamespace
      where x.stxrelid = child));
    perform partitions.move_table(child, home);
  end if;
  if like_source.reloptions is not null and made.reloptions is null then
    execute format('alter table %s set (%s)', partitions.whole_name(child),
      (select string_agg(format('%I = %L', o.option_name, o.option_value), ', ') from pg_catalog.pg_options_to_table(like_source.reloptions) as o));
  end if;
  -- Nobody has a privilege on it and rows are written through its parent alone, so this binds nobody yet.
  if like_source.relforcerowsecurity then
    execute format('alter table %s force row level security', partitions.whole_name(child));
  end if;
end
$$;
comment on function partitions.place_child(regclass, regclass, name) is 'Moves a partition that was made for a copy to where it will be.';

create or replace function partitions.columns_of(source regclass) returns text
language sql stable
set search_path = ''
as $$
  select string_agg(quote_ident(attname), ', ' order by attnum)
  from pg_catalog.pg_attribute where attrelid = source and attnum > 0 and not attisdropped and attgenerated = ''
$$;
comment on function partitions.columns_of(regclass) is 'The columns of a table that can be written.';

create or replace function partitions.rebuild(
  source regclass, key name, period text, time_zone text default 'UTC', max_rows bigint default 100000, extend_keys boolean default true
) returns regclass
language plpgsql
set search_path = ''
set row_security = off
set client_min_messages = warning
as $$
declare
  relation pg_catalog.pg_class;
  home pg_catalog.name;
  workspace constant pg_catalog.name := format('partitions_%s_new', source::pg_catalog.oid);
  attic constant pg_catalog.name := format('partitions_%s_old', source::pg_catalog.oid);
  old_name pg_catalog.name;
  whole constant pg_catalog.text := partitions.whole_name(source);
  parent regclass;
  rows pg_catalog.int8;
  copied pg_catalog.int8;
  inbound record;
begin
  select * into relation from pg_catalog.pg_class as c where c.oid = source;
  execute format('lock table %s in access exclusive mode', whole);
  home := (select n.nspname from pg_catalog.pg_namespace as n where n.oid = relation.relnamespace);
  old_name := partitions.free_name(relation.relnamespace, relation.relname, 'before_partitions');

  perform partitions.make_schema(workspace, relation.relowner);
  perform partitions.make_schema(attic, relation.relowner);
  parent := partitions.build_parent(source, key, format('%I.%I', workspace, relation.relname), extend_keys);
  -- Under the lock nobody else sees the table, and it is about to go.
  if relation.relforcerowsecurity then
    execute format('alter table %s no force row level security', whole);
  end if;
  execute format('select count(*) from (select from %s limit %s) as found', whole, max_rows + 1) into rows;
  if rows > max_rows then
    raise program_limit_exceeded using
      message = format('%s has more than %s rows: rebuilding it would keep its users waiting', source, max_rows),
      hint = format('harness partitions convert %s --key %s --period %s%s', whole, key, period, case when extend_keys then ' --extend-keys' end);
  end if;
  -- Attaching a partition looks at the tables that it refers to, as the owner, whom their row security may bind: with row_security off that
  -- is an error, though there is no row yet that could refer to anything.
  perform set_config('row_security', 'on', true);
  perform partitions.manage(parent, period, time_zone);
  perform partitions.fill_children(source, parent, key, home);
  perform set_config('row_security', 'off', true);
  execute format('insert into %s (%s) select %2$s from %s', partitions.whole_name(parent), partitions.columns_of(source), whole);
  get diagnostics copied = row_count;
  perform set_config('row_security', 'on', true);
  if copied <> rows then
    raise data_corrupted using message = format('%s has %s rows, and %s were copied', source, rows, copied);
  end if;
  if relation.relforcerowsecurity then
    execute format('alter table %s force row level security', whole);
  end if;

  perform partitions.exchange(source, parent, attic, old_name);
  perform partitions.isolate(parent, c.child) from partitions.children(parent) as c;
  execute format('drop table %I.%I', attic, old_name);
  execute format('drop schema %I', attic);
  execute format('drop schema %I', workspace);
  for inbound in
    select c.conname, c.conrelid from pg_catalog.pg_constraint as c where c.contype = 'f' and c.confrelid = parent and c.conparentid = 0 and not c.convalidated
  loop
    execute format('alter table %s validate constraint %I', partitions.whole_name(inbound.conrelid), inbound.conname);
  end loop;
  return parent;
end
$$;
comment on function partitions.rebuild(regclass, name, text, text, bigint, boolean) is
  'Partitions a small table in the current transaction, which holds it locked until it ends: rows, keys (the partition key is added to those '
  'that lack it), privileges, policies and all else. Refuses larger ones, for which there is harness partitions convert. Its partitions are '
  'kept up from then on.';

revoke execute on function
  partitions.fill_children(regclass, regclass, name, name), partitions.place_child(regclass, regclass, name), partitions.columns_of(regclass),
  partitions.rebuild(regclass, name, text, text, bigint, boolean)
from public;
