-- Details whose policies do not go through the note that they belong to.
create table public.documents (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), title text);
create index on public.documents (tenant_id);
alter table public.documents enable row level security, force row level security;
create policy tenant on public.documents to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.documents to app_user;

create table public.open_lines (id uuid primary key default gen_random_uuid(),
                                document_id uuid not null references public.documents (id), body text);
create policy everybody on public.open_lines using (true);

-- There is a tenant, and the row is not asked whose it is.
create table public.any_lines (id uuid primary key default gen_random_uuid(),
                               document_id uuid not null references public.documents (id), body text);
create policy somebody on public.any_lines to app_user using ((select public.current_tenant()) is not null);

-- Uncorrelated: whoever has any document sees all lines.
create table public.member_lines (id uuid primary key default gen_random_uuid(),
                                  document_id uuid not null references public.documents (id), body text);
create policy owners on public.member_lines to app_user
  using (exists (select from public.documents d where d.title <> ''));

-- Reading is closed, and adding is not. The detail of a detail.
create table public."Line; notes" (id uuid primary key default gen_random_uuid(),
                                   document_id uuid not null references public.documents (id));
create policy reads on public."Line; notes" to app_user
  using (exists (select from public.documents d where d.id = document_id));
create policy adds on public."Line; notes" for insert to app_user with check (document_id is not null);
create table public.deep (id uuid primary key default gen_random_uuid(),
                          line_id uuid not null references public."Line; notes" (id), status text);
create policy published on public.deep for select to app_user using (status = 'published');

do $$
declare
  name text;
begin
  foreach name in array array['open_lines', 'any_lines', 'member_lines', 'Line; notes', 'deep'] loop
    execute format('alter table public.%I enable row level security, force row level security', name);
    execute format('grant select, insert, update, delete on public.%I to app_user', name);
  end loop;
end
$$;

-- Through the parent, or not.
create table public.either (id uuid primary key default gen_random_uuid(),
                            document_id uuid not null references public.documents (id), public boolean);
create policy either on public.either for select to app_user
  using (public or exists (select from public.documents d where d.id = document_id));
alter table public.either enable row level security, force row level security;
grant select on public.either to app_user;
