-- Rules and triggers that act as the fixture's owner, who has BYPASSRLS.
create table public.totals (tenant_id uuid primary key, notes bigint not null default 0);
alter table public.totals enable row level security, force row level security;
create policy tenant on public.totals to app_user using (tenant_id = (select public.current_tenant()));
grant select on public.totals to app_user;
create table public.inbox (tenant_id uuid not null, id uuid not null default gen_random_uuid(), body text,
                           primary key (tenant_id, id));
alter table public.inbox enable row level security, force row level security;
create policy tenant on public.inbox to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, update, delete on public.inbox to app_user;

-- Every tenant's totals, for one tenant's note.
create rule count_all as on insert to public.notes do also update public.totals set notes = notes + 1;

-- INSTEAD leaves no statement that a policy could refuse.
create rule "file; it" as on insert to public.inbox do instead insert into public.notes (tenant_id, body)
  values (new.tenant_id, new.body);

-- A view that is written through a rule.
create view public.letters with (security_barrier = true) as select * from public.notes
                                                              where tenant_id = (select public.current_tenant())
                                                              limit 100;
create rule store as on insert to public.letters do instead insert into public.notes (tenant_id, body)
  values (new.tenant_id, new.body);
grant select, insert on public.letters to app_user;

-- A trigger that touches all rows.
create function public.recount() returns trigger language plpgsql security definer set search_path = ''
as $$
begin
  -- new.tenant_id would do
  update public.totals set notes = 0;
  return null;
end
$$;
create trigger "re; count" after delete on public.notes for each statement execute function public.recount();

-- The same by a trigger on a view: there is no statement left that a policy could refuse.
create view public.drafts with (security_barrier = true) as select * from public.notes
                                                             where tenant_id = (select public.current_tenant())
                                                             limit 100;
grant select, insert on public.drafts to app_user;
create function public.file_draft() returns trigger language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.notes (tenant_id, body) values (new.tenant_id, new.body);
  return new;
end
$$;
create trigger file_draft instead of insert on public.drafts for each row execute function public.file_draft();
