-- What there is. Bounds are read as the catalogue has them, whatever made the partitions and however they are called.

create or replace function partitions.key(parent regclass) returns table (name name, type regtype)
language plpgsql stable
set search_path = ''
as $$
declare
  problem pg_catalog.text;
begin
  -- The type that the operator class is for: a domain has none of its own.
  select a.attname, o.opcintype::pg_catalog.regtype,
    case
      when c.oid is null then 'there is no such table'
      when p.partrelid is null then 'it is not partitioned'
      when p.partstrat <> 'r' then 'it is not partitioned by range'
      when p.partnatts > 1 then 'its key has several columns'
      when a.attname is null then 'its key is an expression'
      when o.opcintype not in ('pg_catalog.date'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype, 'pg_catalog.timestamptz'::pg_catalog.regtype)
      then format('its key %I is of type %s', a.attname, o.opcintype::pg_catalog.regtype)
    end
  into name, type, problem
  from (select parent) as wanted (oid)
  left join pg_catalog.pg_class as c on c.oid = wanted.oid
  left join pg_catalog.pg_partitioned_table as p on p.partrelid = c.oid
  left join pg_catalog.pg_attribute as a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0] and a.attnum > 0
  left join pg_catalog.pg_opclass as o on o.oid = p.partclass[0];

  if problem is not null then
    raise wrong_object_type using
      message = format('%s has no partitions by time: %s', coalesce(parent::pg_catalog.text, 'NULL'), problem),
      hint = 'Partitions are kept for tables that are partitioned by range of one column of type date, timestamp or timestamptz.';
  end if;
  return next;
end
$$;
comment on function partitions.key(regclass) is 'The column that a table is partitioned by, and its type; an error if it is not partitioned by range of a time.';

create or replace function partitions.children(parent regclass)
returns table (child regclass, starts_at timestamptz, ends_at timestamptz, is_default boolean, is_detaching boolean)
language plpgsql stable
set search_path = ''
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
  by_date constant pg_catalog.bool := (select k.type = 'pg_catalog.date'::pg_catalog.regtype from partitions.key(parent) as k);
begin
  return query
  select c.oid::pg_catalog.regclass,
    -- A date may lie beyond every timestamp.
    case when bound.found[1] = 'MINVALUE' then '-infinity' when by_date and trim(both '''' from bound.found[1])::pg_catalog.date > '294276-12-31' then 'infinity'
      else trim(both '''' from bound.found[1])::pg_catalog.timestamptz end,
    case when bound.found[2] = 'MAXVALUE' then 'infinity' when by_date and trim(both '''' from bound.found[2])::pg_catalog.date > '294276-12-31' then 'infinity'
      else trim(both '''' from bound.found[2])::pg_catalog.timestamptz end,
    bound.found is null,
    i.inhdetachpending
  from pg_catalog.pg_inherits as i
  join pg_catalog.pg_class as c on c.oid = i.inhrelid and c.relispartition
  cross join lateral (
    -- FOR VALUES FROM (…) TO (…); DEFAULT. Cut instead of matched, which takes a tenth of the time.
    select case when starts_with(e.expression, 'FOR VALUES FROM (') then string_to_array(substr(e.expression, 18, length(e.expression) - 18), ') TO (') end
    from (select pg_catalog.pg_get_expr(c.relpartbound, c.oid) offset 0) as e (expression)
    offset 0 -- once a partition, not once for each mention
  ) as bound (found)
  where i.inhparent = parent
  order by 2, 1;
end
$$;
comment on function partitions.children(regclass) is
  'The partitions of a table, with their bounds as instants: MINVALUE is -infinity, MAXVALUE infinity, and a date or a timestamp is read as '
  'one in UTC. is_detaching: DETACH CONCURRENTLY was begun and not finished; such a partition still holds its place.';

create or replace function partitions.gaps(parent regclass, from_at timestamptz, upto timestamptz)
returns table (starts_at timestamptz, ends_at timestamptz)
language plpgsql stable
set search_path = ''
as $$
begin
  return query
    select lower(gap), upper(gap)
    from unnest(
      tstzmultirange(tstzrange(from_at, upto))
      - coalesce((select range_agg(tstzrange(c.starts_at, c.ends_at)) from partitions.children(parent) as c where not c.is_default), '{}')
    ) as gap
    order by 1;
end
$$;
comment on function partitions.gaps(regclass, timestamptz, timestamptz) is 'What of [from_at, upto) no partition is for. A DEFAULT partition counts as none.';

create or replace function partitions.own_bounds(parent regclass) returns table (starts_at timestamptz, ends_at timestamptz)
language plpgsql stable
set search_path = ''
as $$
begin
  return query
    with recursive ancestry as (
      select parent::pg_catalog.oid as node, i.inhparent as above from pg_catalog.pg_inherits as i where i.inhrelid = parent
      union all
      select a.above, i.inhparent from ancestry as a join pg_catalog.pg_inherits as i on i.inhrelid = a.above
    )
    select coalesce(max(c.starts_at), '-infinity'), coalesce(min(c.ends_at), 'infinity')
    from ancestry as a
    join pg_catalog.pg_partitioned_table as p on p.partrelid = a.above and p.partstrat = 'r' and p.partnatts = 1
    join pg_catalog.pg_attribute as b on b.attrelid = a.above and b.attnum = p.partattrs[0] and b.attname = (select k.name from partitions.key(parent) as k)
    cross join lateral partitions.children(a.above) as c
    where c.child = a.node and not c.is_default;
end
$$;
comment on function partitions.own_bounds(regclass) is
  'What a table that is a partition itself is for, by the same column: it needs no partitions for more. For any other table all of time.';

revoke execute on function partitions.own_bounds(regclass), partitions.key(regclass), partitions.children(regclass), partitions.gaps(regclass, timestamptz, timestamptz) from public;
