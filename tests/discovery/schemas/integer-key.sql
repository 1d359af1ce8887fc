-- Whole numbers as keys, of three widths, and a flag for maintenance that is no tenant.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_int_app') then create role disc_int_app nologin; end if;
  execute format('grant disc_int_app to %I with set true, inherit false', current_user);
end
$$;
grant usage on schema public to disc_int_app;
create table accounts (id serial primary key, name text not null);
create table projects (id serial primary key, account_id integer not null references accounts, name text not null,
                       unique (account_id, id));
create table events (id bigserial primary key, account_id bigint not null, kind text not null);
create table limits (account_id smallint primary key, seats integer not null);
create index on events (account_id);
do $$
declare t text;
begin
  foreach t in array array['accounts', 'projects', 'events', 'limits'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format(
        'create policy by_account on %I to disc_int_app using (%I = nullif(current_setting(''rls.account_id'', true), '
        ''''')::int)',
      t, case t when 'accounts' then 'id' else 'account_id' end);
  end loop;
end
$$;
create policy maintenance on events for select to disc_int_app
  using (account_id = nullif(current_setting('rls.account_id', true), '')::bigint
         or current_setting('rls.maintenance', true) = 'on');
grant select on accounts to disc_int_app;
grant select, insert, update, delete on projects, events, limits to disc_int_app;
insert into accounts (name) values ('one'), ('two');
insert into projects (account_id, name) select id, name from accounts;
insert into events (account_id, kind) select id, 'login' from accounts;
insert into limits select id, 5 from accounts;
