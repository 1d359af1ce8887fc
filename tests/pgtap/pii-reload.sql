-- Rows that are written out and loaded again (COPY, pg_dump --data-only, INSERT … SELECT) keep their sealed values, in
-- every phase. What does not belong to its row is refused, and nothing that goes with a value is believed.
begin;

\ir support/pii.sql

create function pg_temp.job(statement text, key text default pg_temp.key()) returns text
language sql
as $$ select pg_temp.outcome('app_background', null, key, statement) $$;
create function pg_temp.opened(name text) returns text
language sql
as $$ select pg_temp.outcome('pii_reader', pg_temp.a(), pg_temp.key(),
                             format(
                                 'select concat_ws('' '', email, phone) from public.customers_private_view where '
                                 'full_name = %L', name)) $$;
create function pg_temp.add(columns text, name text, as_role text default 'app_background',
                            key text default pg_temp.key()) returns text
language sql
as $$
  select pg_temp.outcome(as_role, pg_temp.a(), key, format(
    'insert into public.customers (restaurant_id, id, full_name, %1$s) select restaurant_id, id, full_name, %1$s from '
    'copied where full_name = %2$L', columns, name))
$$;
create temporary table phases as select * from unnest(array['expand', 'retired']) as phase;
grant select on phases to public;

select plan((22 * (select count(*) from phases))::integer);

create function pg_temp.checks(phase text) returns setof text
language plpgsql
as $$
declare
  sealed constant text :=
    'email_encrypted, email_masked, email_search, email_search_alt, phone_encrypted, phone_masked, phone_search, '
      'phone_search_alt';
  masks text;
begin
  perform pg_temp.become('app_background', null, pg_temp.key());
  insert into public.customers (restaurant_id, full_name, email, phone)
  values (pg_temp.a()::uuid, 'Ada', 'Ada@Guests.example', '+39 010 5550101'),
         (pg_temp.a()::uuid, 'Bilal', 'bilal@guests.example', '+39 010 5550102'),
    (pg_temp.b()::uuid, 'Ada', 'ada@other.example', null);
  perform set_config('role', 'none', true);
  create temporary table copied as select * from public.customers limit 0;
  grant all on copied to public;
  perform pg_temp.job('insert into copied select * from public.customers');
  select string_agg(concat_ws(' ', full_name, email_masked, phone_masked, email_search, phone_search), ','
                    order by email_masked) into masks from copied;

  return next is(pg_temp.job('delete from public.customers'), '3', phase || ': the table is emptied');
  return next is(pg_temp.add(sealed, 'Ada', 'app_background', null), 'PI001',
                 phase || ': without the key nothing is loaded');
  return next is(pg_temp.job('select count(*) from public.customers'), '0',
                 phase || ': rather than without its values');
  return next is(pg_temp.add(sealed, 'Ada', 'authenticated'), '42501', phase || ': as a tenant not another''s');
  return next is(pg_temp.add(sealed, 'Ada'), '2', phase || ': rows are loaded again');
  return next is(pg_temp.add(sealed, 'Bilal', 'authenticated'), '1', phase || ': by a tenant too');
  return next is(pg_temp.opened('Ada') || pg_temp.opened('Bilal'),
                 'Ada@Guests.example +39 010 5550101bilal@guests.example +39 010 5550102',
                 phase || ': the values are there again');
  return next
         is(pg_temp.job('select string_agg(concat_ws('' '', full_name, email_masked, phone_masked, email_search, '
                        'phone_search), '','' order by email_masked) from public.customers'), masks,
                        phase || ': with their masks and indexes');
  return next
         is(pg_temp.outcome('authenticated', pg_temp.a(), pg_temp.key(),
                            'select full_name from public.find_customers_by_email(''ada@guests.example'')'), 'Ada',
                            phase || ': they are found');

  -- Without what goes with it, and with what does not
  perform pg_temp.job('delete from public.customers');
  update copied set email_masked = 'boss@guests.example', email_search = '\x02', phone_search = null;
  return next is(pg_temp.add('email_encrypted, email_masked, email_search, phone_encrypted', 'Ada'), '2',
                 phase || ': a value is loaded with a mask that is not its own');
  return next
         is(pg_temp.job('select string_agg(concat_ws('' '', full_name, email_masked, phone_masked, email_search, '
                        'phone_search), '','' order by email_masked) from public.customers where full_name = ''Ada'''),
    regexp_replace(masks, ',?Bilal[^,]*', ''), phase || ': and has its own again');

  -- What does not fit its row
  update copied as c set email_encrypted = o.email_encrypted from copied as o
    where c.full_name = 'Bilal' and o.full_name = 'Ada' and o.restaurant_id = c.restaurant_id;
  return next is(pg_temp.add(sealed, 'Bilal'), 'PI004', phase || ': another row''s value is refused');
  update copied as c set email_encrypted = phone_encrypted where c.full_name = 'Bilal';
  return next is(pg_temp.add(sealed, 'Bilal'), 'PI004', phase || ': another column''s');
  update copied as c set email_encrypted = o.email_encrypted from copied as o
    where c.full_name = 'Bilal' and o.full_name = 'Ada' and o.restaurant_id <> c.restaurant_id;
  return next is(pg_temp.add(sealed, 'Bilal'), 'PI004', phase || ': another tenant''s');
  update copied as c set email_encrypted = set_byte(phone_encrypted, 25, get_byte(phone_encrypted, 25) # 1)
    where c.full_name = 'Bilal';
  return next is(pg_temp.add(sealed, 'Bilal'), 'PI004', phase || ': one that was changed');
  update copied as c set email_encrypted = '\x01' where c.full_name = 'Bilal';
  return next is(pg_temp.add(sealed, 'Bilal'), 'PI005', phase || ': what is none');
  return next is(pg_temp.job('select count(*) from public.customers where full_name = ''Bilal'''), '0',
                 phase || ': nothing is stored of them');

  -- Beside its plaintext a value is sealed anew, as before: a copy of a guest under another id.
  return next
         is(pg_temp.job('insert into public.customers (restaurant_id, full_name, email, email_encrypted) select '
                        'restaurant_id, ''Copy'', ''copy@guests.example'', email_encrypted from copied where full_name '
                        '= ''Ada'' and restaurant_id = ''' || pg_temp.a() || ''''), '1',
                        phase || ': with its plaintext it goes by that');
  return next is(pg_temp.opened('Copy'), 'copy@guests.example', phase || ': whatever stands beside it');

  -- Under a key that is being replaced, and under one that is destroyed
  perform pg_temp.job('delete from public.customers');
  perform pg_temp.job('select pii.begin_rotation()');
  return next is(pg_temp.add('phone_encrypted', 'Bilal'), '1',
                 phase || ': what is under a retiring key is sealed under the new one');
  return next is(pg_temp.job('select pii.kid_of(phone_encrypted) from public.customers'),
                 pg_temp.job(format('select max(kid) from pii.key_status() where restaurant_id = %L', pg_temp.a())),
                 phase || ': which is the present one');
  perform pg_temp.job('select pii.finish_rotation()');
  perform pg_temp.job('delete from public.customers');
  return next is(pg_temp.add('phone_encrypted', 'Bilal'), 'PI006',
                 phase || ': what is under a destroyed one is refused');
  drop table copied;
end
$$;
select pg_temp.checks('expand');

select pg_temp.become('app_background', null, pg_temp.key());
delete from public.customers;
reset role;
select set_config('app.pii.key', pg_temp.key(), true);
select pii.move_to('public.customers', p)
  from unnest(array['backfilled', 'verified', 'switched', 'retiring', 'retired']) as p;

select pg_temp.checks('retired');

select * from finish();
rollback;
