-- as: superuser
-- A server that has the fixes of its line; views of a cluster that was made after them.
do $$
begin
  execute format('alter database %I set harness.assume_server_version = 170006', current_database());
end
$$;
create statistics public.words (mcv) on tenant_id, body from public.notes;
