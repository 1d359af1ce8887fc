-- The plainest honest script for what `harness verify` probes: no model, no reasoning about policies, no report. It
-- knows the reference platform by heart: its roles, its context, its tenant column.
--
-- In:  bare.schema  whose tables; bare.acts  'on' to insert and explain as well, which the first of two transactions
-- does Out: bare.failures  what leaks, as text; '' if nothing does
-- Run it within a transaction and roll that back.
do $bare$
declare
  failures text[] := '{}';
  tables text[];
  columns text[];      -- per table: the tenant column
  inserts text[];      -- per table: another tenant's row, all else NULL, but for the time by which it is partitioned
  tenant_role text;
  relation text;
  claims text;
  setting text;
  seen boolean;
  plan json;
begin
  select array_agg(c.oid::regclass::text order by c.oid), array_agg(quote_ident(a.attname) order by c.oid),
         array_agg((select format('insert into %s (%s) overriding system value values (%s)', c.oid::regclass,
                                  string_agg(quote_ident(b.attname), ', ' order by b.attnum),
                                  string_agg(case when b.attname = a.attname
                                                  then quote_literal('00000000-0000-4000-8000-00000000000b')
                                                  when exists (select from pg_catalog.pg_partitioned_table p
                                                                where p.partrelid = c.oid
                                                                  and b.attnum = any (p.partattrs)) then 'now()'
                                                  else 'null' end, ', ' order by b.attnum))
                      from pg_catalog.pg_attribute b
                     where b.attrelid = c.oid and b.attnum > 0 and not b.attisdropped and b.attgenerated = '')
                     order by c.oid)
    into tables, columns, inserts
    from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a
      on a.attrelid = c.oid and not a.attisdropped
     and a.attname = case when c.oid = to_regclass('public.restaurants') then 'id' else 'restaurant_id' end
   where c.relkind in ('r', 'p') and c.relnamespace = to_regnamespace(current_setting('bare.schema'));

  foreach tenant_role in array array['anonymous', 'authenticated'] loop
    perform set_config('role', tenant_role, true);

    -- Nobody in these contexts, and in the last one a tenant who has no rows.
    for claims, setting in
      values (null, null), ('', ''), ('{}', ''), ('{"', ''), ('[]', ''), ('{"role":"anonymous"}', ''), ('', 'garbage'),
             ('{"activeRestaurantId":"00000000-0000-4000-8000-00000000000a"}', '00000000-0000-4000-8000-00000000000a')
    loop
      if claims is not null then
        perform set_config('request.jwt.claims', claims, true), set_config('app.restaurant_id', setting, true);
      end if;
      foreach relation in array tables loop
        begin
          execute format('select exists (select from %s)', relation) into seen;
          if seen then
            failures := array_append(failures, format('%s reads %s with %s', tenant_role, relation, claims));
          end if;
        exception when insufficient_privilege then
          null;
        end;
      end loop;
    end loop;

    continue when current_setting('bare.acts') <> 'on';
    for i in 1 .. cardinality(tables) loop
      begin
        execute inserts[i];
        raise unique_violation;  -- rolls the row back
      exception
        -- that no partition is for a row is found before row security is asked
        when insufficient_privilege or check_violation then
          null;
        when others then
          failures := array_append(failures, format('%s inserts into %s', tenant_role, tables[i]));
      end;
      begin
        execute format('explain (format json, costs off) update %s set %s = %L', tables[i], columns[i],
                       '00000000-0000-4000-8000-00000000000a') into plan;
        if plan::text !~ 'Filter|Cond' then
          failures := array_append(failures, format('%s updates all of %s', tenant_role, tables[i]));
        end if;
        execute format('explain (format json, costs off) delete from %s', tables[i]) into plan;
        if plan::text !~ 'Filter|Cond' then
          failures := array_append(failures, format('%s deletes all of %s', tenant_role, tables[i]));
        end if;
      exception when insufficient_privilege then
        null;
      end;
    end loop;
  end loop;
  perform set_config('role', 'none', true), set_config('bare.failures', array_to_string(failures, E'\n'), true);
end
$bare$;
