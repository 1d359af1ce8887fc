-- What must be true of all holds at once, over all months of public.table_holds: a unique key of a partitioned table holds within a
-- partition only, unless it contains the partition key, and then it says less. So each hold has a row here, small and in one table:
-- its id and its idempotency_key are there once, and what belongs to a hold refers to it as ever, by tenant and id alone.

create table if not exists public.table_hold_keys (
  restaurant_id uuid not null references public.restaurants (id),
  hold_id uuid not null,
  hold_created_at timestamptz not null,
  idempotency_key text,
  -- The third column is there for the foreign key to the hold.
  primary key (restaurant_id, hold_id) include (hold_created_at),
  unique (restaurant_id, idempotency_key),
  constraint table_hold_keys_hold_fkey
    foreign key (restaurant_id, hold_id, hold_created_at) references public.table_holds (restaurant_id, id, created_at)
    on delete cascade deferrable initially deferred
);

-- Whoever forgets old ones does so for all tenants at once.
create index if not exists table_hold_keys_hold_created_at_idx on public.table_hold_keys (hold_created_at);

comment on table public.table_hold_keys is
  'Id and idempotency_key of every hold, each once per tenant over all months. An insert into public.table_holds writes it; it goes with its hold.';
comment on constraint table_hold_keys_hold_fkey on public.table_hold_keys is
  'Keys go with their hold. Deferred, since they are entered before it.';
comment on column public.table_hold_keys.hold_created_at is 'created_at of the hold: the month in which it is kept.';
comment on column public.table_hold_keys.idempotency_key is 'Of the hold: a request that is repeated gets unique_violation (23505).';

select tenancy.protect('public.table_hold_keys', 'restaurant_id');

drop policy if exists table_hold_keys_stand on public.table_hold_keys;
create policy table_hold_keys_stand on public.table_hold_keys as restrictive for update to public using (false);
comment on policy table_hold_keys_stand on public.table_hold_keys is 'Nobody changes what a hold is known by.';
drop policy if exists table_hold_keys_remove on public.table_hold_keys;
create policy table_hold_keys_remove on public.table_hold_keys as restrictive for delete to public using ((select tenancy.is_background()));
comment on policy table_hold_keys_remove on public.table_hold_keys is 'A key goes with its hold; besides that only background jobs forget it.';

create or replace function public.enter_table_hold() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    raise restrict_violation using
      message = 'id, created_at and idempotency_key of a hold do not change',
      hint = 'Release this hold and take another one.';
  end if;
  insert into public.table_hold_keys (restaurant_id, hold_id, hold_created_at, idempotency_key)
  values (new.restaurant_id, new.id, new.created_at, new.idempotency_key);
  return new;
end
$$;
comment on function public.enter_table_hold() is
  'Before a hold is inserted: enters its keys, with the rights of whoever inserts. Refuses to change them.';
revoke execute on function public.enter_table_hold() from public;

-- Before, not after: in a statement that inserts holds and their members at once, nobody knows which comes first, and the keys have to
-- be there when the members' foreign key looks. That of the keys, to the hold, is looked at when the transaction ends.
create or replace trigger enter_table_hold before insert on public.table_holds
  for each row execute function public.enter_table_hold();
comment on trigger enter_table_hold on public.table_holds is 'Id and idempotency_key are there once, whatever the month.';

-- An UPDATE that moves a row to another partition is a DELETE to foreign keys before PostgreSQL 15: members would go with it.
create or replace trigger keep_table_hold_keys before update of id, created_at, idempotency_key on public.table_holds
  for each row
  when (old.id <> new.id or old.created_at <> new.created_at or old.idempotency_key is distinct from new.idempotency_key)
  execute function public.enter_table_hold();
comment on trigger keep_table_hold_keys on public.table_holds is 'What a hold is known by stays.';

-- A month of holds that something refers to cannot be detached. Members go with the keys, and so do the allocations of holds that came
-- to nothing; the holds themselves stay in their month, and go, or are kept, with it.
create or replace function public.forget_table_holds(before timestamptz, max_holds integer default 1000) returns integer
language plpgsql
set search_path = ''
as $$
declare
  forgotten pg_catalog.int4;
begin
  if not tenancy.is_background() then
    raise insufficient_privilege using
      message = 'this is for a background job',
      hint = 'SET LOCAL ROLE app_background, then tenancy.set_job(…), in the same transaction.';
  end if;
  with over as materialized (
    select k.restaurant_id, k.hold_id
    from public.table_hold_keys as k
    join public.table_holds as h
      on h.restaurant_id = k.restaurant_id and h.id = k.hold_id and h.created_at = k.hold_created_at
    where k.hold_created_at < forget_table_holds.before and h.created_at < forget_table_holds.before
      and (h.status <> 'active' or h.expires_at <= clock_timestamp())
      and not exists (
        select from public.allocations as a
        where a.restaurant_id = k.restaurant_id and a.hold_id = k.hold_id and a.released_at is null and a.ends_at > clock_timestamp()
      )
    order by h.created_at
    limit max_holds
    -- The holds, since nobody may change keys, or lock them. What is being confirmed is left alone.
    for update of h skip locked
  ),
  -- Whoever is bound by row security when it detaches a month does not see what refers to it: that comes here.
  left_behind as materialized (
    select k.restaurant_id, k.hold_id
    from public.table_hold_keys as k
    where k.hold_created_at < forget_table_holds.before
      and not exists (
        select from public.table_holds as h
        where h.restaurant_id = k.restaurant_id and h.id = k.hold_id and h.created_at = k.hold_created_at and h.created_at < forget_table_holds.before
      )
    limit max_holds
  ),
  finished as (
    select * from over union all select * from left_behind
  ),
  freed as (
    delete from public.allocations as a using finished as o where a.restaurant_id = o.restaurant_id and a.hold_id = o.hold_id
  ),
  gone as (
    delete from public.table_hold_keys as k using finished as o where k.restaurant_id = o.restaurant_id and k.hold_id = o.hold_id
    returning k.hold_id
  )
  select count(*) into forgotten from gone;
  return forgotten;
end
$$;
comment on function public.forget_table_holds(timestamptz, integer) is
  'Forgets what refers to holds made before that moment which are over: their keys, members and allocations, at most so many at a time; '
  'says how many; of holds that are not there any more too. Then the months before it can be detached. The holds stay in them. '
  'For background jobs.';

revoke execute on function public.forget_table_holds(timestamptz, integer) from public;
grant execute on function public.forget_table_holds(timestamptz, integer) to app_background;
