-- What names the tenant on this branch: the setting harness.context_source says 'claims', 'setting' or 'both'. It is a
-- function, since only the owner can replace one, while anybody can set a setting.
do $$
begin
  create schema if not exists tenancy;
  execute format(
      'create or replace function tenancy.context_source() returns text language sql stable parallel safe return %L',
                 current_setting('harness.context_source'));
end
$$;
