-- A JSON document in a setting of another name; a detail table without the tenant's column, scoped through its parent.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_hasura_user') then create role disc_hasura_user nologin;
  end if;
  execute format('grant disc_hasura_user to %I with set true, inherit false', current_user);
end
$$;
grant usage on schema public to disc_hasura_user;
create table surveys (id bigint generated always as identity primary key, "tenantId" integer not null,
                      title text not null);
create table questions (id bigint generated always as identity primary key,
                        survey_id bigint not null references surveys, text text not null);
create table answers (id bigint generated always as identity primary key, "tenantId" integer not null,
                      text text not null);
create index on surveys ("tenantId");
create index on answers ("tenantId");
create index on questions (survey_id);
create function session_tenant() returns integer language plpgsql stable as $$
declare
  who json := nullif(current_setting('hasura.user', true), '')::json;
begin
  return (who ->> 'x-hasura-tenant-id')::integer;
exception when others then
  return null;
end
$$;
alter table surveys enable row level security, force row level security;
alter table questions enable row level security, force row level security;
alter table answers enable row level security, force row level security;
create policy t on surveys to disc_hasura_user using ("tenantId" = (select session_tenant()));
create policy t on answers to disc_hasura_user using ("tenantId" = (select session_tenant()));
create policy t on questions to disc_hasura_user
  using (exists (select from surveys s where s.id = questions.survey_id and s."tenantId" = (select session_tenant())));
grant select, insert, update, delete on surveys, questions, answers to disc_hasura_user;
insert into surveys ("tenantId", title) values (1, 'x'), (2, 'y');
insert into answers ("tenantId", text) values (1, 'x'), (2, 'y');
insert into questions (survey_id, text) select id, title from surveys;
