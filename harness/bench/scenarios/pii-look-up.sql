-- A million guests of 20 restaurants: in a plain table with an index by address, and in public.customers. There the
-- first ones are sealed by the trigger, so that look-ups find them; the others hold random bytes in the index columns,
-- which is all that an index can tell of them.
create table bench.guests (n integer, restaurant_id uuid not null, id uuid not null, full_name text not null,
                           email text not null, primary key (restaurant_id, id));
insert into bench.guests
select n, md5('restaurant ' || n % 20)::uuid, md5('guest ' || n)::uuid, 'Guest ' || n,
       'guest.number' || n || '@guests.example'
from generate_series(1, current_setting('bench.rows')::integer) as n;
create unique index on bench.guests (restaurant_id, email);
grant select on bench.guests to app_background;

select tenancy.set_job('bench');
set local role app_background;
insert into public.customers (restaurant_id, id, full_name, email)
select g.restaurant_id, g.id, g.full_name, g.email from bench.guests as g
 where g.n <= current_setting('bench.sealed')::integer;
reset role;

alter table public.customers disable trigger user;
set local role app_background;
insert into public.customers (restaurant_id, id, full_name, email_encrypted, email_masked, email_search,
                              phone_encrypted, phone_masked, phone_search)
select g.restaurant_id, g.id, g.full_name, sha256(('e' || g.n)::bytea) || sha256(('f' || g.n)::bytea),
       'g***@g***.example', substr(sha256(('s' || g.n)::bytea), 1, 16),
  sha256(('p' || g.n)::bytea) || sha256(('q' || g.n)::bytea), '+***03', substr(sha256(('t' || g.n)::bytea), 1, 16)
from bench.guests as g where g.n > current_setting('bench.sealed')::integer;
reset role;
alter table public.customers enable trigger user;
