-- as: superuser
do $$
begin
  if to_regrole('h108_reader') is null then
    create role h108_reader nologin;
    create role h108_ops nologin;
    create role h108_watch nologin noinherit;
  end if;
  execute format('grant h108_reader, h108_ops, h108_watch to neondb_owner%s',
    case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false' else '' end);
end
$$;
-- Directly, through a group that it inherits from, and through one that it has to become.
grant pg_read_all_data to h108_reader;
grant pg_monitor to h108_ops;
grant h108_ops to h108_watch;
grant pg_execute_server_program to h108_ops;
