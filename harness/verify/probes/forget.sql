-- Prepared statements outlive the transaction that a pass was broken off in.
do $$
declare
  prepared text;
begin
  for prepared in select name from pg_catalog.pg_prepared_statements where name like 'harness\_%' loop
    execute format('deallocate %I', prepared);
  end loop;
end
$$;
