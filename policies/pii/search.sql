-- Look-ups by equality through the blind index. As app_pii, whom row security binds: bytea = is leakproof, so that the index
-- serves the policy and the condition together.
set role app_pii;

create or replace function pii.search_slot(tenant uuid, column_name text, folded text, out odd boolean, out blind bytea)
language plpgsql stable
as $$
declare
  found_key constant bytea := pii.searching_key(tenant);
begin
  odd := get_byte(found_key, 1) % 2 = 1;
  blind := pii.blind_index(tenant, column_name, folded, substr(found_key, 3));
end
$$;
comment on function pii.search_slot(uuid, text, text) is 'Which of the two columns to look in, and for what; NULL for a tenant without keys.';
revoke execute on function pii.search_slot(uuid, text, text) from public;

reset role;
