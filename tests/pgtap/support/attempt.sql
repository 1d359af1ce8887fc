-- How many rows a statement reaches as some role and tenant, or the SQLSTATE it ends with. It is undone at once.
create function pg_temp.attempt(as_role text, tenant uuid, statement text) returns text
language plpgsql
as $$
declare
  reached bigint;
begin
  perform set_config('app.restaurant_id', coalesce(tenant::text, ''), true);
  perform set_config('request.jwt.claims', coalesce('{"activeRestaurantId": "' || tenant || '"}', ''), true);
  perform set_config('role', as_role, true);
  execute statement;
  get diagnostics reached = row_count;
  raise sqlstate 'UNDO0';
exception
  when sqlstate 'UNDO0' then
    return reached;
  when others then
    return sqlstate;
end
$$;
