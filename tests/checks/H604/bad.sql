-- as: superuser
do $$
declare
  option text := case when current_setting('server_version_num')::int >= 160000 then ' with set true, inherit false'
                      else '' end;
begin
  if to_regrole('h604_decoder') is null then
    create role h604_decoder nologin;
    create role "h604 ""app""" login noinherit;
    create role h604_feed login;
  end if;
  alter role h604_decoder replication;
  alter role "h604 ""app""" replication;
  alter role h604_feed replication;
  -- The tenant role gets there; the application's login is there; a feed for one tenant is.
  execute 'grant h604_decoder to app_user' || option;
  execute 'grant app_user to "h604 ""app"""' || option;
  if current_setting('server_version_num')::int >= 150000 then
    execute $sql$create publication acme for table public.notes where (tenant_id = '11111111-1111-4111-8111-111111111111')$sql$;
  end if;
  create publication notes for table public.notes;
end
$$;
