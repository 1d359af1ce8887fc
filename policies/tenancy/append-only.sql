-- For records of what happened. The privileges say so; the restrictive policies are for the day somebody grants more.
create or replace function tenancy.append_only(target regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
begin
  if not exists (select from pg_catalog.pg_policy where polrelid = target and polname = 'tenant_floor') then
    raise object_not_in_prerequisite_state using
      message = format('%s is not protected', coalesce(target::pg_catalog.text, 'NULL')),
      hint = 'Call tenancy.protect() first.';
  end if;

  execute format(
    $sql$
      revoke update, delete, truncate on table %1$s from public, authenticated, anonymous, app_background;

      drop policy if exists append_only_update on %1$s;
      create policy append_only_update on %1$s as restrictive for update to public using (current_user = 'app_pii');
      comment on policy append_only_update on %1$s is 'Nobody changes a row; what names a guest who is erased is taken out by the functions of app_pii, which nobody can be.';

      drop policy if exists append_only_delete on %1$s;
      create policy append_only_delete on %1$s as restrictive for delete to public using (false);
      comment on policy append_only_delete on %1$s is 'Nobody deletes a row.';
    $sql$,
    target
  );
  perform tenancy.isolate_children(target);
end
$$;

comment on function tenancy.append_only(regclass) is
  'Makes a protected table one that tenants and background jobs may read and add to, and no more. '
  'tenancy.protect() leaves it so.';

revoke execute on function tenancy.append_only(regclass) from public;
