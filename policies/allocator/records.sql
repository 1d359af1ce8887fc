-- What confirmations leave behind: a book of what happened to which table, and the answers that were given, for requests that come
-- again. Like events they name other rows without foreign keys, since they outlive them.

create table if not exists public.allocation_ledger (
  restaurant_id uuid not null references public.restaurants (id),
  id bigint generated always as identity,
  action text not null check (action <> ''),
  booking_id uuid not null,
  hold_id uuid not null,
  table_id uuid not null,
  allocation_id uuid not null,
  assignment_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  event_id bigint,
  actor text,
  source text,
  trace_id text,
  created_at timestamptz not null default now(),
  primary key (restaurant_id, id)
);

create index if not exists allocation_ledger_booking_idx on public.allocation_ledger (restaurant_id, booking_id);
create index if not exists allocation_ledger_table_idx on public.allocation_ledger (restaurant_id, table_id, created_at);

comment on table public.allocation_ledger is
  'What happened to which table, an entry for each allocation that a confirmation made or took over. Added to and never changed.';
comment on column public.allocation_ledger.action is 'confirmed: the table went from the hold to the booking.';
comment on column public.allocation_ledger.event_id is 'The event in public.capacity_outbox that tells of it; NULL if the outbox was switched off.';
comment on column public.allocation_ledger.actor is 'Subject of the claims, or the job, that did it.';
comment on column public.allocation_ledger.source is 'The component that asked, from the context of the request.';
comment on column public.allocation_ledger.trace_id is 'W3C trace id, from the context of the request.';

select tenancy.protect('public.allocation_ledger', 'restaurant_id');
select tenancy.append_only('public.allocation_ledger');

create table if not exists public.confirmations (
  restaurant_id uuid not null references public.restaurants (id),
  idempotency_key text not null check (idempotency_key <> ''),
  request_hash bytea not null,
  answer jsonb not null,
  created_at timestamptz not null default now(),
  primary key (restaurant_id, idempotency_key)
);

-- Whoever throws away old answers does so for all tenants at once.
create index if not exists confirmations_created_at_idx on public.confirmations (created_at);

comment on table public.confirmations is
  'The answers that confirm_hold_assignment_tx() has given, by the key of the request: who repeats it within their lifetime gets the same one.';
comment on column public.confirmations.request_hash is 'SHA-256 of what was asked for: the same key with another request is an error.';

select tenancy.protect('public.confirmations', 'restaurant_id');

drop policy if exists confirmations_stand on public.confirmations;
create policy confirmations_stand on public.confirmations as restrictive for update to public using (false);
comment on policy confirmations_stand on public.confirmations is 'Nobody changes an answer that was given.';
drop policy if exists confirmations_remove on public.confirmations;
create policy confirmations_remove on public.confirmations as restrictive for delete to public using ((select tenancy.is_background()));
comment on policy confirmations_remove on public.confirmations is 'Only background jobs forget answers.';
