-- as: superuser
-- Roles of the operators have such powers. They are no tenant roles, and no tenant role is a member of them.
do $$
begin
  if to_regrole('h108_support') is null then
    create role h108_support login;
    create role h108_app nologin;
  end if;
  execute format('grant h108_app to neondb_owner, h108_support%s',
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
  grant pg_monitor, pg_read_all_data to h108_support;
  -- a membership that gives nothing
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant pg_monitor to h108_app with inherit false, set false';
  end if;
end
$$;
