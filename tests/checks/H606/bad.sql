-- as: superuser
create function public.peek(value text) returns boolean language plpgsql immutable leakproof cost 1
as $$
begin
  raise notice 'saw %', value;
  return true;
end
$$;
-- It tells by an error, and is not replaced by what it calls: for its setting, and for being STRICT.
create function public."as; number"(value text) returns boolean language sql immutable leakproof cost 0.1
  set work_mem = '4MB' as $$ select value::int > 0 $$;
create function public.parsed(
    value text) returns boolean language sql immutable strict leakproof cost 1 return 1 / length(value) > 0;
-- Too dear to go before a policy: a remark.
create function public.dear(value text) returns boolean language plpgsql immutable leakproof
as $$
begin
  raise notice 'saw %', value;
  return true;
end
$$;
