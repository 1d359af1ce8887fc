-- Made for searches that row security keeps away from them.
create table public.orders (tenant_id uuid not null, id int not null, mail text, tags text[], body jsonb,
                            primary key (tenant_id, id));
create index on public.orders (tenant_id, lower(mail));
create index "By ""mail""" on public.orders (tenant_id, mail text_pattern_ops);
create index on public.orders using gin (tags);
create index on public.orders using gin (body jsonb_path_ops);
create index on public.orders using gin (to_tsvector('simple', mail));
alter table public.orders enable row level security, force row level security;
grant select, insert, update, delete on public.orders to app_user;
create policy tenant on public.orders to app_user using (tenant_id = (select public.current_tenant()));
