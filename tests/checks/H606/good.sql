-- as: superuser
-- All it calls is leakproof, and the server knows that.
create function public.same(a uuid, b uuid) returns boolean language sql immutable leakproof return a = b;
-- Replaced by what it calls, which is not leakproof and so waits.
create function public.longer(value text) returns boolean language sql immutable leakproof cost 0.1 return length(value)
  > 3;
-- Out of reach.
create function public.for_staff(value text) returns boolean language plpgsql immutable leakproof cost 1
as $$
begin
  return value <> '';
end
$$;
revoke execute on function public.for_staff(text) from public;
-- An ordinary function waits for the policies.
create function public.peek(value text) returns boolean language plpgsql immutable cost 0.0001
as $$
begin
  raise notice 'saw %', value;
  return true;
end
$$;
