-- as: superuser
do $$
declare
  option text := case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                      else '' end;
begin
  if to_regrole('h104_door') is null then
    create role h104_door login noinherit;
    create role h104_reader nologin;
    create role h104_admin login bypassrls;
    create role h104_root login superuser;
  end if;
  -- A gateway that becomes tenant roles only, and a group that policies bind.
  execute 'grant app_user, h104_reader to h104_door' || option;
  -- An operator who is no member of a tenant role, and superusers, who are of everything.
  grant h104_reader to h104_admin, h104_root;
  -- Membership without SET is no way there.
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant h104_admin to h104_door with set false, inherit false';
  end if;
end
$$;
