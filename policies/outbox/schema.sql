-- The home of the outbox: tenants enqueue, background jobs dispatch. All of its functions run with the rights of whoever calls
-- them, so that row security decides what a tenant reaches.
create schema if not exists outbox;
comment on schema outbox is 'Events written in the transaction they tell of and delivered at least once, fairly between tenants.';

revoke all on schema outbox from public;
grant usage on schema outbox to authenticated, app_background;
