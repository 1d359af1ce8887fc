-- Plain columns, prefixes by ^@ over collation "C", unique keys whatever they are made of, and tables that have no
-- tenant.
create table public.orders (tenant_id uuid not null, id int not null, mail text, at timestamptz, tags text[],
                            primary key (tenant_id, id));
create index on public.orders (tenant_id, mail collate "C");
create index on public.orders (tenant_id, at) where mail is not null;
create index on public.orders using brin (at);
create index on public.orders using hash (mail);
create unique index on public.orders (tenant_id, lower(mail));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user using (tenant_id = (select public.current_tenant()));
create table public.words (word text primary key);
create index on public.words (lower(word));
