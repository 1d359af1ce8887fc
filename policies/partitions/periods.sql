-- Periods are those of the wall clock of a time zone; bounds are instants. A month has as many hours as it has.

create or replace function partitions.utc_offset(at timestamptz, time_zone text) returns interval
language sql immutable parallel safe
return at at time zone time_zone - at at time zone 'UTC';
comment on function partitions.utc_offset(timestamptz, text) is 'How far the clocks of a time zone are ahead of UTC at an instant.';

-- Where clocks are set back over midnight this one comes twice, and Postgres takes the second; a day begins with the first, which is
-- reckoned with the offset of the day before.
create or replace function partitions.instant(local_time timestamp, time_zone text) returns timestamptz
language sql stable parallel safe
return case
  when (local_time - partitions.utc_offset(local_time at time zone time_zone - interval '24 hours', time_zone)) at time zone 'UTC' at time zone time_zone = local_time
  then least((local_time - partitions.utc_offset(local_time at time zone time_zone - interval '24 hours', time_zone)) at time zone 'UTC', local_time at time zone time_zone)
  else local_time at time zone time_zone
end;
comment on function partitions.instant(timestamp, text) is 'The first instant at which the clocks of a time zone show this, or the next if they skip it.';

create or replace function partitions.step(period text) returns interval
language plpgsql immutable
set search_path = ''
as $$
declare
  length constant interval := case period
    when 'day' then interval '1 day' when 'week' then interval '7 days' when 'month' then interval '1 month'
    when 'quarter' then interval '3 months' when 'year' then interval '1 year'
  end;
begin
  if length is null then
    raise invalid_parameter_value using
      message = format('%s is no period', coalesce(quote_literal(period), 'NULL')), hint = 'Use day, week, month, quarter or year.';
  end if;
  return length;
end
$$;
comment on function partitions.step(text) is 'The length of a period; an error if there is no such period.';

create or replace function partitions.periods(period text, time_zone text, from_at timestamptz, upto timestamptz)
returns table (starts_at timestamptz, ends_at timestamptz, suffix text)
language plpgsql stable
set search_path = ''
as $$
declare
  step constant interval := partitions.step(period);
  pattern constant pg_catalog.text := case period
    when 'day' then '"p"YYYY_MM_DD' when 'week' then '"p"IYYY"w"IW' when 'month' then '"p"YYYY_MM'
    when 'quarter' then '"p"YYYY"q"Q' else '"p"YYYY'
  end;
begin
  if from_at is null or upto is null or not (isfinite(from_at) and isfinite(upto)) then
    raise invalid_parameter_value using
      message = format('there is no end to the periods from %s to %s', coalesce(from_at::pg_catalog.text, 'NULL'), coalesce(upto::pg_catalog.text, 'NULL'));
  end if;
  -- One more at each end, and then what holds one of the instants: clocks may skip a whole day, or show an hour twice.
  return query
    select e.at, e.next_at, to_char(e.local_time, pattern)
    from (
      select series.local_time, edge.at, lead(edge.at) over (order by series.local_time) as next_at
      from generate_series(date_trunc(period, from_at at time zone time_zone) - step, upto at time zone time_zone + 2 * step, step) as series (local_time)
      cross join lateral (select partitions.instant(series.local_time, time_zone) offset 0) as edge (at)
    ) as e
    where e.at < e.next_at and e.next_at > from_at and e.at <= upto
    order by e.local_time;
end
$$;
comment on function partitions.periods(text, text, timestamptz, timestamptz) is
  'The periods from that which holds the one instant to that which holds the other, both included. period: day, week (from Monday, by '
  'ISO 8601), month, quarter, year. suffix: what the name of such a partition ends with.';

revoke execute on function
  partitions.utc_offset(timestamptz, text), partitions.instant(timestamp, text), partitions.step(text), partitions.periods(text, text, timestamptz, timestamptz)
from public;
