-- Details that are as closed as the document that they belong to.
create table public.documents (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), title text);
create index on public.documents (tenant_id);
alter table public.documents enable row level security, force row level security;
create policy tenant on public.documents to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.documents to app_user;
create function public.may_see(document uuid) returns boolean language sql stable
as $$ select exists (select from public.documents d where d.id = document) $$;

create table public.exists_lines (id uuid primary key default gen_random_uuid(),
                                  document_id uuid not null references public.documents (id), body text);
create policy parent on public.exists_lines to app_user
  using (exists (select from public.documents d
                  where d.id = document_id and d.tenant_id = (select public.current_tenant())));
create table public.in_lines (id uuid primary key default gen_random_uuid(),
                              document_id uuid not null references public.documents (id), body text);
create policy parent on public.in_lines to app_user using (document_id in (select d.id from public.documents d));
create table public.scalar_lines (id uuid primary key default gen_random_uuid(),
                                  document_id uuid not null references public.documents (id), body text);
create policy parent on public.scalar_lines to app_user
  using ((select d.tenant_id from public.documents d
           where d.id = scalar_lines.document_id) = (select public.current_tenant()));
create table public.any_lines (id uuid primary key default gen_random_uuid(),
                               document_id uuid not null references public.documents (id), body text);
create policy parent on public.any_lines to app_user using (document_id = any (select d.id from public.documents d));
create table public.function_lines (id uuid primary key default gen_random_uuid(),
                                    document_id uuid not null references public.documents (id), body text);
create policy parent on public.function_lines to app_user using (public.may_see(document_id));

-- The detail of a detail, and a floor under a careless policy.
create table public.deep (id uuid primary key default gen_random_uuid(),
                          line_id uuid not null references public.exists_lines (id));
create policy parent on public.deep to app_user using (exists (select from public.exists_lines l where l.id = line_id));
create table public.floored (id uuid primary key default gen_random_uuid(),
                             document_id uuid not null references public.documents (id));
create policy careless on public.floored to app_user using (true);
create policy floor on public.floored as restrictive
  using (exists (select from public.documents d where d.id = document_id));

-- By user, not by parent.
create table public.drafts (id uuid primary key default gen_random_uuid(),
                            document_id uuid references public.documents (id), user_id uuid not null);
create policy mine on public.drafts to app_user
  using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));

-- Unreachable, and no detail at all.
create table public.staff_lines (id uuid primary key default gen_random_uuid(),
                                 document_id uuid not null references public.documents (id));
create table public.countries (code text primary key);
alter table public.countries enable row level security;
create policy everybody on public.countries for select using (true);
grant select on public.countries to app_user;

do $$
declare
  name text;
begin
  foreach name in array array['exists_lines', 'in_lines', 'scalar_lines', 'any_lines', 'function_lines', 'deep',
                              'floored', 'drafts'] loop
    execute format('alter table public.%I enable row level security, force row level security', name);
    execute format('grant select, insert, update, delete on public.%I to app_user', name);
  end loop;
end
$$;
