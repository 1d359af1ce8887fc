-- as: superuser
-- A gateway that becomes whoever a token names; one that bypasses row security by itself; one that gets there through a
-- group.
do $$
declare
  option text := case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                      else '' end;
begin
  if to_regrole('h104_gateway') is null then
    create role h104_service nologin bypassrls;
    create role h104_group nologin;
    create role h104_gateway login noinherit;
    create role "h104 ""owner""" login noinherit;
    create role h104_worker login noinherit;
  end if;
  alter role "h104 ""owner""" bypassrls;
  execute 'grant app_user to h104_gateway, "h104 ""owner""", h104_worker' || option;
  execute 'grant h104_service to h104_gateway, h104_group' || option;
  execute 'grant h104_group to h104_worker' || option;
end
$$;
