-- A table with everything that is carried over.
create schema shop;
create table shop.customers (id integer primary key, tier text);
insert into shop.customers select n, 'gold' from generate_series(1, 20) as n;
create domain shop.amount as numeric(10, 2) check (value >= 0);
create table shop.orders (
  id bigint generated always as identity (start with 1000 increment by 3 cache 5),
  gone integer,
  code text collate "C" not null default 'x',
  number serial,
  total shop.amount not null default 1,
  customer integer references shop.customers on delete cascade,
  taxed numeric generated always as (total * 1.2) stored,
  "Odd ""name""" jsonb,
  placed_at timestamptz not null default now(),
  constraint "orders pkey" primary key (placed_at, id),
  constraint orders_code_key unique (code, placed_at) include (total) deferrable initially deferred,
  constraint positive check (total < 1000000)
);
alter table shop.orders drop column gone;
create index "orders (odd) idx" on shop.orders (lower(code) desc nulls last) include (total) with (fillfactor = 80)
  where total > 5;
create index orders_json_idx on shop.orders using gin ("Odd ""name""");
create unique index orders_lower_key on shop.orders (lower(code), placed_at) where number > 0;
create statistics shop.orders_stats (dependencies, ndistinct) on code, total from shop.orders;
alter statistics shop.orders_stats set statistics 200;
alter table shop.orders alter column code set statistics 500, alter column code set (n_distinct = 5),
alter column code set storage external;
alter table shop.orders set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05), replica identity full;
comment on table shop.orders is 'the orders''';
comment on column shop.orders.code is 'a column';
comment on constraint positive on shop.orders is 'a check';
comment on constraint "orders pkey" on shop.orders is 'a key';
comment on constraint orders_customer_fkey on shop.orders is 'a foreign key';
comment on index shop.orders_lower_key is 'an index';
comment on statistics shop.orders_stats is 'statistics';

create table shop.log (entry text);
create function shop.note() returns trigger language plpgsql as $$ begin insert into shop.log values (tg_name);
return new; end $$;
create trigger before_row before insert or update on shop.orders for each row
when (new.total > 3) execute function shop.note();
create trigger after_statement after update of code on shop.orders for each statement execute function shop.note();
create constraint trigger later after insert
  on shop.orders deferrable initially deferred for each row execute function shop.note();
create trigger of_rows after insert
  on shop.orders referencing new table as added for each statement execute function shop.note();
create trigger asleep after delete on shop.orders for each row execute function shop.note();
create trigger always after delete on shop.orders for each row execute function shop.note();
alter table shop.orders disable trigger asleep, enable always trigger always;
comment on trigger later on shop.orders is 'a trigger';

alter table shop.orders enable row level security, force row level security;
create policy own on shop.orders for select to authenticated
  using (total > 0 and exists (select from shop.customers c where c.id = orders.customer and c.tier = 'gold'));
create policy floor on shop.orders as restrictive for all to public using (total >= 0) with check (total >= 0);
create policy everybody on shop.orders for insert to public with check (true);
comment on policy own on shop.orders is 'a policy';

create view shop.dear with (security_barrier = true, check_option = local) as select o.id, o.code,
o.total from shop.orders as o where o.total > 10;
create view shop.dearest as select * from shop.dear where total > 100;
comment on view shop.dear is 'a view';
create view shop.as_json as select to_jsonb(o) as json from shop.orders as o;
create function shop.count_orders(
    smallest numeric default 0) returns bigint language sql stable begin atomic select count(*) from shop.orders
        where total >= smallest; end;
alter table shop.customers enable row level security;
create policy with_orders on shop.customers
  using (exists (select from shop.orders as o
                  where o.customer = customers.id)) with check (tier in (select code from shop.orders));

grant select, insert on shop.orders to authenticated with grant option;
grant update (code), select (total) on shop.orders to anonymous;
grant delete on shop.orders to public;
grant usage on sequence shop.orders_id_seq, shop.orders_number_seq to authenticated;
grant select on shop.dear to authenticated;
grant execute on function shop.count_orders to authenticated;
create publication orders_out for table shop.orders with (publish_via_partition_root = true);

create table shop.lines (order_id bigint, placed_at timestamptz, item text,
  constraint lines_order_fkey foreign key (placed_at, order_id) references shop.orders (placed_at, id) on update cascade
    on delete cascade);
comment on constraint lines_order_fkey on shop.lines is 'an inbound key';

insert into shop.orders (code, total, customer, placed_at, "Odd ""name""")
select 'c' || n, n, 1 + n % 20,
       date_trunc('month', now()) - (n % 4) * interval '1 month' + (n % 20) * interval '1 second',
       jsonb_build_object('n', n)
from generate_series(1, 200) as n;
insert into shop.lines select id, placed_at, code from shop.orders where total < 30;
