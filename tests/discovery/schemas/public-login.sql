-- Policies name no role, and the application logs in as a member of the role that holds the privileges.
do $$
begin
  if not exists (select from pg_roles where rolname = 'disc_public_rw') then create role disc_public_rw nologin; end if;
  execute format('grant disc_public_rw to %I with set true, inherit false', current_user);
  if not exists (select from pg_roles where rolname = 'disc_public_login')
  then create role disc_public_login login in role disc_public_rw; end if;
  execute format('grant disc_public_login to %I with set true, inherit false', current_user);
end
$$;
grant usage on schema public to disc_public_rw;
create table practices (id bigint generated always as identity primary key, name text not null);
create table patients (id bigint generated always as identity primary key,
                       practice_id bigint not null references practices, name text not null, unique (practice_id, id));
create table visits (
  id bigint generated always as identity primary key,
  practice_id bigint not null,
  patient_id bigint not null,
  foreign key (practice_id, patient_id) references patients (practice_id, id)
);
create index on visits (practice_id);
alter table practices enable row level security, force row level security;
alter table patients enable row level security, force row level security;
alter table visits enable row level security, force row level security;
create policy practice on practices using (id = nullif(current_setting('app.practice', true), '')::bigint);
create policy practice on patients using (practice_id = nullif(current_setting('app.practice', true), '')::bigint);
create policy practice on visits using (practice_id = nullif(current_setting('app.practice', true), '')::bigint);
grant select on practices to disc_public_rw;
grant select, insert, update, delete on patients, visits to disc_public_rw;
insert into practices (name) values ('one'), ('two');
insert into patients (practice_id, name) select id, name from practices;
insert into visits (practice_id, patient_id) select practice_id, id from patients;
