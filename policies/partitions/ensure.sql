-- Partitions ahead of time. Bounds decide what is missing, never names, so that it does no harm to ask twice, or at once.

create or replace function partitions.missing(parent regclass, upto timestamptz default null)
returns table (starts_at timestamptz, ends_at timestamptz)
language plpgsql stable
set search_path = ''
as $$
declare
  known constant partitions.managed := partitions.settings(parent);
  last_at constant timestamp with time zone := coalesce(upto,
    partitions.instant(date_trunc(known.period, now() at time zone known.time_zone) + known.premake * partitions.step(known.period), known.time_zone));
begin
  return query
    with wanted as materialized (
      select tstzmultirange(tstzrange(g.starts_at, g.ends_at)) as open
      from partitions.own_bounds(parent) as own
      cross join lateral partitions.gaps(parent, least(greatest(own.starts_at, now() - partitions.step(known.period) - interval '2 days'), own.ends_at), own.ends_at) as g
    )
    select lower(piece), upper(piece)
    from partitions.periods(known.period, known.time_zone, now(), greatest(last_at, now())) as p
    cross join wanted as w
    cross join lateral unnest(w.open * tstzmultirange(tstzrange(p.starts_at, p.ends_at))) as piece
    order by 1;
end
$$;
comment on function partitions.missing(regclass, timestamptz) is
  'The partitions that there have to be, from the current period to that which holds upto, and are not. NULL: as many periods as are made ahead for this table.';

create or replace function partitions.overdue(only_parent regclass default null)
returns table (parent text, starts_at timestamptz, ends_at timestamptz, problem text)
language plpgsql stable
set search_path = ''
as $$
declare
  wanted record;
begin
  for wanted in
    select coalesce(partitions.whole_name(t.parent), t.parent::pg_catalog.text) as name, t.parent as relation
    from (select m.parent from partitions.managed as m where only_parent is null union all select only_parent where only_parent is not null) as t
    order by 1
  loop
    -- One table that is not what it was must not keep the others from having theirs.
    begin
      return query select wanted.name, m.starts_at, m.ends_at, null::pg_catalog.text from partitions.missing(wanted.relation) as m;
    exception when others then
      return query select wanted.name, null::pg_catalog.timestamptz, null::pg_catalog.timestamptz, sqlerrm;
    end;
  end loop;
end
$$;
comment on function partitions.overdue(regclass) is
  'The partitions that are missing of all tables that are kept up, or of one table; problem: why it cannot be told for this table.';

create or replace function partitions.fill(parent regclass, starts_at timestamptz, ends_at timestamptz) returns setof regclass
language plpgsql
set search_path = ''
as $$
declare
  gap record;
begin
  -- Whoever was first has made them: so look after it has the lock.
  perform partitions.lock(parent);
  for gap in select * from partitions.gaps(parent, starts_at, ends_at) loop
    return next partitions.create_child(parent, gap.starts_at, gap.ends_at);
  end loop;
end
$$;
comment on function partitions.fill(regclass, timestamptz, timestamptz) is 'Makes partitions for what of [starts_at, ends_at) has none: one, if all of it has none.';

create or replace function partitions.ensure(parent regclass, upto timestamptz default null) returns setof regclass
language plpgsql
set search_path = ''
as $$
declare
  period record;
begin
  perform partitions.lock(parent);
  for period in select * from partitions.missing(parent, upto) loop
    return query select * from partitions.fill(parent, period.starts_at, period.ends_at);
  end loop;
end
$$;
comment on function partitions.ensure(regclass, timestamptz) is
  'Makes the partitions that are missing from the current period to that which holds upto; NULL: as many periods as are made ahead for this '
  'table. In one transaction: harness partitions ensure takes one for each.';

revoke execute on function
  partitions.missing(regclass, timestamptz), partitions.overdue(regclass), partitions.fill(regclass, timestamptz, timestamptz), partitions.ensure(regclass, timestamptz)
from public;
