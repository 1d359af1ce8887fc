-- as: superuser
-- The owner of a managed database has REPLICATION, and may publish all of it.
create publication everything for all tables;

do $$
begin
  if to_regrole('h604_streams') is null then
    create role h604_streams nologin;
    create role h604_console login;
  end if;
  -- Nobody logs in with it, and no tenant role is a member.
  alter role h604_streams replication;
  -- A login as the platform makes them.
  alter role h604_console replication;
  grant neon_superuser to h604_console;
end
$$;
