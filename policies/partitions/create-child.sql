-- CREATE TABLE … PARTITION OF would lock the parent against every reader and writer. A table that is made beside it and attached afterwards
-- wants SHARE UPDATE EXCLUSIVE, which only maintenance waits for.

create or replace function partitions.free_name(home oid, stem text, suffix text) returns name
language plpgsql stable
set search_path = ''
as $$
declare
  shorter pg_catalog.text := stem;
  ending pg_catalog.text := '_' || suffix;
  attempt integer := 1;
begin
  loop
    -- In bytes, and never half a character. The hash tells apart what would be the same once shortened.
    if octet_length(shorter || ending) > 63 then
      ending := '_' || left(md5(stem), 8) || ending;
      while octet_length(shorter || ending) > 63 loop
        shorter := left(shorter, -1);
      end loop;
    end if;
    -- Types too: a table is one.
    exit when not exists (select from pg_catalog.pg_class where relnamespace = home and relname = shorter || ending)
      and not exists (select from pg_catalog.pg_type where typnamespace = home and typname = shorter || ending);
    attempt := attempt + 1;
    shorter := stem;
    ending := format('_%s_%s', suffix, attempt);
  end loop;
  return shorter || ending;
end
$$;
comment on function partitions.free_name(oid, text, text) is 'stem_suffix, shortened to 63 bytes if need be, with a number if a relation has that name.';

create or replace function partitions.suffix(starts_at timestamptz, ends_at timestamptz, time_zone text) returns text
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    -- Of a part of a period, or of several, both ends.
    select coalesce(
      (
        select p.suffix
        from unnest(array['month', 'day', 'week', 'quarter', 'year']) as period (name)
        cross join lateral partitions.periods(period.name, time_zone, suffix.starts_at, suffix.starts_at) as p
        where isfinite(suffix.starts_at) and p.starts_at = suffix.starts_at and p.ends_at = suffix.ends_at
        limit 1
      ),
      'p' || (
        select string_agg(
          case when not isfinite(at) then 'x' else to_char(at at time zone time_zone, case when (at at time zone time_zone)::time = '0:00' then 'YYYYMMDD' else 'YYYYMMDD"t"HH24MISS' end) end,
          '_' order by place)
        from unnest(array[starts_at, ends_at]) with ordinality as bound (at, place)
      )
    )
  );
end
$$;
comment on function partitions.suffix(timestamptz, timestamptz, text) is 'What the name of a partition with these bounds ends with.';

create or replace function partitions.whole_name(relation regclass) returns text
language plpgsql stable
set search_path = ''
as $$
begin
  return (
    select format('%I.%I', n.nspname, c.relname)
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = relation
  );
end
$$;
comment on function partitions.whole_name(regclass) is 'schema.table, whatever the search_path is.';

create or replace function partitions.options_clause(options text[]) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  return (
    select coalesce(' with (' || string_agg(format('%s = %L', o.option_name, o.option_value), ', ') || ')', '') from pg_catalog.pg_options_to_table(options) as o
  );
end
$$;
comment on function partitions.options_clause(text[]) is 'WITH (…) for storage parameters as the catalogue has them.';

create or replace function partitions.child_statements(parent regclass, starts_at timestamptz, ends_at timestamptz)
returns table (child text, statement text)
language plpgsql stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  home pg_catalog.text;
  above pg_catalog.pg_class;
  sibling pg_catalog.pg_class;
  below record;
  key record;
  zone pg_catalog.text;
  plain pg_catalog.name;
  sub pg_catalog.text;
  options pg_catalog.text;
  bounds pg_catalog.text[];
  likeness constant pg_catalog.text := 'including defaults including constraints including generated including storage including compression including statistics';
begin
  select * into key from partitions.key(parent);
  if starts_at is null or ends_at is null or starts_at >= ends_at then
    raise invalid_parameter_value using message = format('a partition of %s cannot go from %s to %s', parent, starts_at, ends_at);
  end if;
  select * into above from pg_catalog.pg_class as c where c.oid = parent;
  home := (select quote_ident(n.nspname) from pg_catalog.pg_namespace as n where n.oid = above.relnamespace);
  zone := coalesce((select m.time_zone from partitions.managed as m where m.parent = child_statements.parent),
    case when key.type = 'pg_catalog.timestamptz'::pg_catalog.regtype then (select i.time_zone from partitions.infer_period(parent) as i) end, 'UTC');

  -- What a partition does not have from its parent it has from the one that was made last: how it is stored, and how it is partitioned.
  select c.* into sibling
  from pg_catalog.pg_class as c
  where c.oid = (
    select i.inhrelid
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_partitioned_table as p on p.partrelid = i.inhparent and p.partdefid <> i.inhrelid
    where i.inhparent = parent and not exists (select from pg_catalog.pg_foreign_table as f where f.ftrelid = i.inhrelid)
    order by i.inhrelid desc limit 1);

  plain := partitions.free_name(above.relnamespace, above.relname, partitions.suffix(starts_at, ends_at, zone));
  child := format('%s.%I', home, plain);
  options := coalesce((select format(' using %I', m.amname) from pg_catalog.pg_am as m where m.oid = sibling.relam and sibling.relkind = 'r' and m.amname <> current_setting('default_table_access_method')), '')
    || case when sibling.relkind = 'r' then partitions.options_clause(sibling.reloptions) else '' end
    || coalesce((select format(' tablespace %I', t.spcname) from pg_catalog.pg_tablespace as t
      where t.oid = coalesce(nullif(above.reltablespace, 0), nullif(sibling.reltablespace, 0))), '');
  bounds := array(
    select case when at = '-infinity' then 'minvalue' when at = 'infinity' then 'maxvalue' else quote_literal(case key.type
        when 'pg_catalog.timestamptz'::pg_catalog.regtype then at::pg_catalog.text
        when 'pg_catalog.date'::pg_catalog.regtype then (at at time zone 'UTC')::pg_catalog.date::pg_catalog.text
        else (at at time zone 'UTC')::pg_catalog.text end) end
    from unnest(array[starts_at, ends_at]) with ordinality as bound (at, place) order by place);

  statement := format('create %stable %s (like %s %s%s)%s',
    case when sibling.relpersistence = 'u' then 'unlogged ' end, child, partitions.whole_name(parent), likeness,
    -- Once detached it says what is in it, and can be attached again without being read.
    ', check (' || array_to_string(array[format('%I is not null', key.name)]
      || case when isfinite(starts_at) then format('%I >= %s', key.name, bounds[1]) end
      || case when isfinite(ends_at) then format('%I < %s', key.name, bounds[2]) end, ' and ') || ')',
    case when sibling.relkind = 'p' then ' partition by ' || pg_catalog.pg_get_partkeydef(sibling.oid) else options end);
  return next;

  if sibling.relkind = 'p' then
    if exists (select from pg_catalog.pg_partitioned_table as p where p.partrelid = sibling.oid and p.partstrat = 'r') then
      raise feature_not_supported using
        message = format('the partitions of %s are partitioned by range themselves', parent),
        hint = 'Make the partition yourself: what it is divided into does not follow from the others.';
    end if;
    for below in
      select c.oid, c.relname, c.relkind, c.reloptions, row_number() over (order by c.relname) as place, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound
      from pg_catalog.pg_inherits as i join pg_catalog.pg_class as c on c.oid = i.inhrelid where i.inhparent = sibling.oid order by c.relname
    loop
      if below.relkind <> 'r' then
        raise feature_not_supported using
          message = format('%s is no plain table', below.oid::pg_catalog.regclass), hint = 'Make the partition yourself: three levels are not followed.';
      end if;
      sub := format('%s.%I', home, partitions.free_name(above.relnamespace, plain,
        case when starts_with(below.relname, sibling.relname || '_') then substr(below.relname, length(sibling.relname) + 2) else below.place::pg_catalog.text end));
      statement := format('create table %s (like %s %s)%s', sub, child, likeness, partitions.options_clause(below.reloptions));
      return next;
      statement := format('alter table %s attach partition %s %s', child, sub, below.bound);
      return next;
    end loop;
  end if;

  if pg_catalog.pg_get_userbyid(above.relowner) <> current_user then
    statement := format('alter table %s owner to %I', child, pg_catalog.pg_get_userbyid(above.relowner));
    return next;
  end if;
  statement := format('select partitions.isolate(%L, %L)', partitions.whole_name(parent), child);
  return next;
  statement := format('alter table %s attach partition %s for values from (%s) to (%s)', partitions.whole_name(parent), child, bounds[1], bounds[2]);
  return next;
  -- Of this each partition has its own.
  if above.relreplident <> 'd' then
    statement := format('select partitions.follow_replica_identity(%L, %L)', partitions.whole_name(parent), child);
    return next;
  end if;
end
$$;
comment on function partitions.child_statements(regclass, timestamptz, timestamptz) is
  'What makes a partition with these bounds, in order and in one transaction; child: its name. Changes nothing.';

create or replace function partitions.follow_replica_identity(parent regclass, child regclass) returns void
language plpgsql
set search_path = ''
as $$
declare
  identity constant "char" := (select c.relreplident from pg_catalog.pg_class as c where c.oid = parent);
  own_index pg_catalog.name;
begin
  select c.relname into own_index
  from pg_catalog.pg_index as above
  join pg_catalog.pg_inherits as i on i.inhparent = above.indexrelid
  join pg_catalog.pg_index as below on below.indexrelid = i.inhrelid and below.indrelid = child
  join pg_catalog.pg_class as c on c.oid = below.indexrelid
  where above.indrelid = parent and above.indisreplident;

  execute format('alter table %s replica identity %s', child,
    case identity when 'f' then 'full' when 'n' then 'nothing' when 'i' then format('using index %I', own_index) else 'default' end);
end
$$;
comment on function partitions.follow_replica_identity(regclass, regclass) is 'Makes the replica identity of a partition that of its parent.';

create or replace function partitions.lock(parent regclass) returns void
language sql
set search_path = ''
as $$ select pg_advisory_xact_lock((1885434484::pg_catalog.int8 << 32) | parent::pg_catalog.oid::pg_catalog.int8) $$;
comment on function partitions.lock(regclass) is 'Until the transaction ends nobody else makes or removes partitions of this table with these functions.';

create or replace function partitions.create_child(parent regclass, starts_at timestamptz, ends_at timestamptz) returns regclass
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  step record;
begin
  perform partitions.lock(parent);
  for step in select s.child, s.statement from partitions.child_statements(parent, starts_at, ends_at) as s loop
    execute step.statement;
  end loop;
  return step.child::pg_catalog.regclass;
end
$$;
comment on function partitions.create_child(regclass, timestamptz, timestamptz) is
  'Makes a partition beside its parent, isolates it, attaches it. The parent is locked in SHARE UPDATE EXCLUSIVE mode until the transaction '
  'ends; tables that it references, or that reference it, in SHARE ROW EXCLUSIVE mode.';

revoke execute on function
  partitions.free_name(oid, text, text), partitions.suffix(timestamptz, timestamptz, text), partitions.whole_name(regclass),
  partitions.options_clause(text[]), partitions.follow_replica_identity(regclass, regclass), partitions.child_statements(regclass, timestamptz, timestamptz), partitions.lock(regclass),
  partitions.create_child(regclass, timestamptz, timestamptz)
from public;
