-- Organizations have workspaces: two tenant columns, two settings, and one table that has both columns.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_two_app') then create role disc_two_app nologin; end if;
  execute format('grant disc_two_app to %I with set true, inherit false', current_user);
end
$$;
grant usage on schema public to disc_two_app;
create table organizations (id uuid primary key, name text not null);
create table workspaces (id bigint primary key, org_id uuid not null references organizations, name text not null,
                         unique (org_id, id));
create table billing_contacts (id bigint primary key, org_id uuid not null references organizations,
                               email text not null);
create table subscriptions (id bigint primary key, org_id uuid not null references organizations, plan text not null);
create table pages (id bigint primary key, workspace_id bigint not null, body text not null);
create table comments (id bigint primary key, org_id uuid not null, workspace_id bigint not null, body text not null);
create index on billing_contacts (org_id);
create index on subscriptions (org_id);
create index on pages (workspace_id);
create index on comments (workspace_id);
create function current_org() returns uuid language sql stable
  as $$ select nullif(current_setting('app.org_id', true), '')::uuid $$;
create function current_workspace() returns bigint language sql stable
  as $$ select nullif(current_setting('app.workspace_id', true), '')::bigint $$;
do $$
declare t text; rule text;
begin
  for t, rule in values
    ('organizations', 'id = (select current_org())'), ('workspaces', 'org_id = (select current_org())'),
    ('billing_contacts', 'org_id = (select current_org())'), ('subscriptions', 'org_id = (select current_org())'),
    ('pages', 'workspace_id = (select current_workspace())'),
    ('comments', 'workspace_id = (select current_workspace())') loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy scope on %I to disc_two_app using (%s) with check (%2$s)', t, rule);
    execute format('grant select, insert, update, delete on %I to disc_two_app', t);
  end loop;
end
$$;
insert into organizations values ('ffffffff-0000-4000-8000-000000000001', 'one'),
('ffffffff-0000-4000-8000-000000000002', 'two');
insert into workspaces select row_number() over (order by id), id, name from organizations;
insert into billing_contacts select row_number() over (order by id), id, 'x' from organizations;
insert into subscriptions select row_number() over (order by id), id, 'x' from organizations;
insert into pages select id, id, 'x' from workspaces;
insert into comments select id, org_id, id, 'x' from workspaces;
