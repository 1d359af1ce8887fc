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
    select g.starts_at, g.ends_at
    from partitions.periods(known.period, known.time_zone, now(), greatest(last_at, now())) as p
    cross join lateral partitions.gaps(parent, p.starts_at, p.ends_at) as g
    order by 1;
end
$$;
comment on function partitions.missing(regclass, timestamptz) is
  'The partitions that there have to be, from the current period to that which holds upto, and are not. NULL: as many periods as are made ahead for this table.';

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
  partitions.missing(regclass, timestamptz), partitions.fill(regclass, timestamptz, timestamptz), partitions.ensure(regclass, timestamptz)
from public;
