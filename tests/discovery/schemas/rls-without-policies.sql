-- Row security is on and nobody wrote a policy: everything is closed, for the owners of rows too.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_closed_app') then create role disc_closed_app nologin;
  end if;
  execute format('grant disc_closed_app to %I with set true, inherit false', current_user);
end
$$;
grant usage on schema public to disc_closed_app;
create table teams (id uuid primary key, name text not null);
create table tasks (id uuid primary key default gen_random_uuid(), team_id uuid not null references teams,
                    title text not null);
create table files (id uuid primary key default gen_random_uuid(), team_id uuid not null references teams,
                    path text not null);
create index on tasks (team_id);
create index on files (team_id);
alter table teams enable row level security, force row level security;
alter table tasks enable row level security, force row level security;
alter table files enable row level security, force row level security;
grant select, insert, update, delete on teams, tasks, files to disc_closed_app;
insert into teams values (gen_random_uuid(), 'one'), (gen_random_uuid(), 'two');
insert into tasks (team_id, title) select id, 'x' from teams;
insert into files (team_id, path) select id, 'x' from teams;
