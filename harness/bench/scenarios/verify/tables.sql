-- Synthetic tenant tables, like those of an application: a sequence, defaults, an index on the tenant, some rows of
-- three tenants. In: bench.first and bench.last, the numbers of the first and the last table. Called for a hundred at a
-- time, since a transaction holds a lock for each of a table's parts.
create schema if not exists bench;
comment on schema bench is 'What harness bench measures';
grant usage on schema bench to authenticated;

do $$
declare
  relation text;
begin
  for n in current_setting('bench.first')::int .. current_setting('bench.last')::int loop
    relation := format('bench.tenant_data_%s', to_char(n, 'FM00000'));
    execute format(
      $table$
        create table %1$s (
          id bigint generated always as identity primary key,
          restaurant_id uuid not null,
          name text not null,
          amount numeric(12, 2) not null default 0,
          settings text,
          created_at timestamptz not null default now()
        );
        create index on %1$s (restaurant_id);
        insert into %1$s (restaurant_id, name) select gen_random_uuid(), 'row ' || i from generate_series(1, 3) as i;
        select tenancy.protect(%1$L, 'restaurant_id');
      $table$, relation);
  end loop;
end
$$;
