-- Where events go that are done. The queue itself has no partitions: its indexes are partial and small however much is done, a claim
-- needs one of them and not one for each month, and its dedupe key could not be unique over months. Its archive has: there nothing is
-- claimed and nothing has to be unique, and months that nobody asks for any more go at once.

create or replace function outbox.register_archive(queue regclass, archive regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  missing pg_catalog.text;
begin
  if not exists (select from pg_catalog.pg_policy where polrelid = archive and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', coalesce(archive::pg_catalog.text, 'NULL')), hint = 'Call tenancy.protect() first.';
  end if;
  select string_agg(w.name, ', ') into missing
  from (
    select 'archived_at' as name, archive as relation
    union all select unnest(array['restaurant_id', 'id', 'payload', 'finished_at']), archive
    union all
    select a.attname, known.queue from pg_catalog.pg_attribute as a
    where a.attrelid = archive and a.attnum > 0 and not a.attisdropped and a.attname <> 'archived_at'
  ) as w
  where not exists (
    select from pg_catalog.pg_attribute as a where a.attrelid = w.relation and a.attname = w.name and a.attnum > 0 and not a.attisdropped
  );
  if missing is not null then
    raise undefined_column using
      message = format('%s cannot be the archive of %s: %s', archive, queue, missing),
      hint = 'An archive has restaurant_id, id, payload, finished_at and archived_at, and otherwise columns of its queue only.';
  end if;

  execute format(
    $sql$
      drop policy if exists outbox_archive on %1$s;
      create policy outbox_archive on %1$s as restrictive for insert to public with check ((select tenancy.is_background()));
      comment on policy outbox_archive on %1$s is 'Only background jobs archive.';
      drop policy if exists outbox_settle on %1$s;
      create policy outbox_settle on %1$s as restrictive for update to public using ((select tenancy.is_background()));
      comment on policy outbox_settle on %1$s is 'Only background jobs change what is archived: they erase what names a guest.';
      drop policy if exists outbox_remove on %1$s;
      create policy outbox_remove on %1$s as restrictive for delete to public using ((select tenancy.is_background()));
      comment on policy outbox_remove on %1$s is 'Only background jobs delete what is archived.';
    $sql$, archive);
  perform tenancy.isolate_children(archive);
  update outbox.queues as q set archive = register_archive.archive where q.queue = known.queue;
end
$$;
comment on function outbox.register_archive(regclass, regclass) is
  'Makes a protected table the archive of a queue: tenants read their events there, background jobs add them. May be repeated. '
  'outbox.index_statements() names one index more of the queue then.';

create or replace function outbox.archive(
  queue regclass default 'public.capacity_outbox',
  older_than interval default '7 days',
  max_events integer default 1000
) returns bigint
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  known constant outbox.queues := outbox.registered(queue);
  columns pg_catalog.text;
  moved pg_catalog.int8;
  broken pg_catalog.text;
  row_at pg_catalog.text;
begin
  perform outbox.require_job();
  if known.archive is null then
    raise object_not_in_prerequisite_state using
      message = format('%s has no archive', queue), hint = 'The owner gives it one: see outbox.register_archive().';
  end if;
  if not coalesce(older_than >= '0' and max_events > 0, false) then
    raise invalid_parameter_value using message = 'older_than is an interval of 0 or more, max_events a number above 0';
  end if;
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns
  from pg_catalog.pg_attribute as a
  where a.attrelid = known.archive and a.attnum > 0 and not a.attisdropped and a.attname <> 'archived_at';

  -- One statement: whatever happens, an event is in one of the two tables. The oldest first; what somebody is changing comes next time.
  execute format(
    $sql$
      with finished as materialized (
        select q.restaurant_id, q.id from %1$s as q
        where q.status = 'done' and q.finished_at < clock_timestamp() - $1
        order by q.finished_at limit $2 for update skip locked
      ),
      taken as (
        delete from %1$s as q using finished as f where q.restaurant_id = f.restaurant_id and q.id = f.id
        returning q.*
      )
      insert into %2$s (%3$s) select %3$s from taken
    $sql$, known.queue, known.archive, columns)
  using older_than, max_events;
  get diagnostics moved = row_count;
  return moved;
exception
  when check_violation then
    -- A row that no partition is for breaks no constraint that has a name.
    get stacked diagnostics broken = constraint_name, row_at = pg_exception_detail;
    if broken <> '' then
      raise;
    end if;
    raise check_violation using
      message = sqlerrm, detail = row_at,
      hint = format('The event was done at a time for which %s has no partition: make one with partitions.fill(). Nothing has been moved.', known.archive);
end
$$;
comment on function outbox.archive(regclass, interval, integer) is
  'Moves events that have been done for so long from the queue to its archive, at most max_events of them, and says how many: call it '
  'again until it says fewer. Events that are dead stay. For background jobs.';

revoke execute on function outbox.register_archive(regclass, regclass), outbox.archive(regclass, interval, integer) from public;
grant execute on function outbox.archive(regclass, interval, integer) to app_background;
