-- Only a string counts: ->> alone makes text of ["a"], 1.0 and {} too, and that might pass for an identifier.
create or replace function tenancy.claim(name text) returns text
language sql stable
return case when jsonb_typeof(tenancy.claims() -> name) = 'string' then tenancy.claims() ->> name end;

-- No function may call itself more parallel than what it calls.
do $$
begin
  execute 'alter function tenancy.claim(text) parallel ' || (
    select case proparallel when 's' then 'safe' else 'unsafe' end
    from pg_catalog.pg_proc
    where oid = 'tenancy.claims()'::regprocedure
  );
end
$$;

comment on function tenancy.claim(text) is
  'One claim of the session if it is a string, otherwise NULL. Of a key that occurs twice the last counts.';
