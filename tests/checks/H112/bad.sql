-- Every new database lets everybody, and one tenant role has it from a group; a function leaves its table on the
-- connection.
do $$
declare
  option text := case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                      else '' end;
begin
  execute format('grant temporary on database %I to public', current_database());
  if to_regrole('h112_group') is null then
    create role h112_group nologin;
    create role h112_member nologin noinherit in role h112_group;
  end if;
  execute format('grant h112_member to %I', current_user) || option;
  execute format('grant temporary on database %I to h112_group', current_database());
end
$$;
create function public.basket() returns bigint language plpgsql set search_path = ''
as $$
begin
  execute 'create TEMPORARY table if not exists basket (item text) on commit drop';
  return (select count(*) from pg_temp.basket);
end
$$;
