-- Three tables alike in everything but what becomes of the values: plain, sealed by pii.protect(), and encrypted by a
-- trigger with pgp_sym_encrypt() as it comes. Each has the indexes that look-ups by address and number need.
-- bench.source holds what goes in.
create schema bench;
grant usage on schema bench to app_background, authenticated;

create table bench.source (
  n integer primary key, restaurant_id uuid not null, id uuid not null, full_name text not null, email text not null,
  phone text not null
);
insert into bench.source
select n, md5('restaurant ' || n % 20)::uuid, md5('guest ' || n)::uuid, 'Guest ' || n,
       'guest.number' || n || '@guests.example', '+39010' || lpad(n::text, 7, '0')
from generate_series(1, current_setting('bench.rows')::integer) as n;
grant select on bench.source to app_background;

create table bench.plain (restaurant_id uuid not null, id uuid not null, full_name text, email text, phone text,
                          primary key (restaurant_id, id));
create unique index on bench.plain (restaurant_id, email);
create index on bench.plain (restaurant_id, phone);
create table bench.sealed (like bench.plain including all);
drop index bench.sealed_restaurant_id_email_idx, bench.sealed_restaurant_id_phone_idx;
create table bench.pgp (like bench.plain including all);
alter table bench.pgp add column full_name_encrypted bytea, add column email_encrypted bytea,
add column phone_encrypted bytea;

do $$
declare
  relation regclass;
  statement text;
  pgcrypto constant text := (
    select quote_ident(n.nspname) from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
     where e.extname = 'pgcrypto'
  );
begin
  foreach relation in array array['bench.plain', 'bench.sealed', 'bench.pgp']::regclass[] loop
    perform tenancy.protect(relation, 'restaurant_id');
    execute format('grant select, insert, update on %s to app_background', relation);
  end loop;
  perform pii.protect('bench.sealed', 'restaurant_id', 'id',
                      '{"full_name": {"kind": "name"}, "email": {"kind": "email"}, "phone": {"kind": "phone"}}');
  for statement in select * from pii.index_statements('bench.sealed') loop
    execute replace(statement, ' concurrently', '');
  end loop;
  execute format('grant usage on schema %s to app_background', pgcrypto);
  execute format(
    $sql$
      create function bench.encrypt() returns trigger language plpgsql as $body$
      begin
        new.full_name_encrypted := %1$s.pgp_sym_encrypt(new.full_name, current_setting('app.pii.key'));
        new.email_encrypted := %1$s.pgp_sym_encrypt(new.email, current_setting('app.pii.key'));
        new.phone_encrypted := %1$s.pgp_sym_encrypt(new.phone, current_setting('app.pii.key'));
        return new;
      end $body$
    $sql$, pgcrypto);
end
$$;
create trigger encrypt before insert on bench.pgp for each row execute function bench.encrypt();

begin;
set local role app_background;
select tenancy.set_job('bench');
insert into public.restaurants (id, name, time_zone, currency)
select distinct s.restaurant_id, 'Restaurant', 'UTC', 'EUR' from bench.source as s;
commit;
