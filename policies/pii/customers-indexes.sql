-- The blind indexes of the customers. Not CONCURRENTLY, which no transaction allows: where there are customers already,
-- pii.index_statements() has built them before.
do $$
declare
  wanted text;
begin
  for wanted in select statement from pii.index_statements('public.customers') as statement loop
    execute replace(wanted, ' concurrently ', ' ');
  end loop;
end
$$;
