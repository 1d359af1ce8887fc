-- A tenant who may create in public, run as that role: what it leaves there is found where no better match is.
create function public.quote_ident(name) returns text language plpgsql
  as $$ begin perform attack.strike('intruder quote_ident'); return pg_catalog.quote_ident($1::text); end $$;
create function public.format(text, text) returns text language plpgsql
  as $$ begin perform attack.strike('intruder format'); return pg_catalog.format($1, variadic array[$2]); end $$;
create function public.format(text, name) returns text language plpgsql
  as $$ begin perform attack.strike('intruder format'); return pg_catalog.format($1, variadic array[$2::text]); end $$;
create function public.format(text, text, text) returns text language plpgsql
  as $$ begin perform attack.strike('intruder format'); return pg_catalog.format($1, variadic array[$2, $3]); end $$;
create function public.format(text, name, name) returns text language plpgsql
  as $$ begin perform attack.strike('intruder format');
  return pg_catalog.format($1, variadic array[$2::text, $3::text]); end $$;
create function public.concat(text, text) returns text language plpgsql
  as $$ begin perform attack.strike('intruder concat'); return pg_catalog.concat(variadic array[$1, $2]); end $$;
create function public.min(text) returns text language plpgsql as $$ begin perform attack.strike('intruder min');
return $1; end $$;
create function public.count(text) returns bigint language plpgsql as $$ begin perform attack.strike('intruder count');
return 1; end $$;
create function public.array_position(text[], text) returns int language plpgsql
  as $$ begin perform attack.strike('intruder array_position'); return 1; end $$;
create function public.jsonb_build_object(text, text) returns jsonb language plpgsql
  as $$ begin perform attack.strike('intruder jsonb_build_object'); return '{}'; end $$;
create function public.eq(name, varchar) returns boolean language plpgsql
  as $$ begin perform attack.strike('intruder ='); return true; end $$;
create operator public.= (leftarg = name, rightarg = varchar, function = public.eq);
create function public.eq(jsonb, jsonb) returns jsonb language plpgsql as $$ begin perform attack.strike('intruder ->');
return '{}'; end $$;
create operator public.-> (leftarg = jsonb, rightarg = jsonb, function = public.eq);
