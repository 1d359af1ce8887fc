-- Rules and triggers that stay with the row at hand, or with whoever writes.
create table public.audit (tenant_id uuid not null, id bigint generated always as identity, body text,
                           primary key (tenant_id, id));
alter table public.audit enable row level security, force row level security;
create policy tenant on public.audit to app_user using (tenant_id = (select public.current_tenant()));
grant select on public.audit to app_user;
create table public.totals (tenant_id uuid primary key, notes bigint not null default 0);
alter table public.totals enable row level security, force row level security;
create policy tenant on public.totals to app_user using (tenant_id = (select public.current_tenant()));
grant select, insert, delete on public.totals to app_user;

-- The common audit trigger: it may write what the tenant may not.
create function public.log() returns trigger language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.audit (tenant_id, body) values (coalesce(new.tenant_id, old.tenant_id), tg_op);
  return null;
end
$$;
create trigger log after insert or update or delete on public.notes for each row execute function public.log();
create function public.count_notes() returns trigger language plpgsql security definer set search_path = ''
as $$
begin
  update public.totals set notes = notes + 1 where tenant_id = public.current_tenant();
  return null;
end
$$;
create trigger counted after insert on public.notes for each statement execute function public.count_notes();

-- An invoker's, and one that writes nothing.
create function public.wipe() returns trigger language plpgsql set search_path = ''
as $$
begin
  delete from public.totals;
  return null;
end
$$;
create trigger wipe after delete on public.totals for each statement execute function public.wipe();
create function public.stamp() returns trigger language plpgsql security definer set search_path = ''
as $$
begin
  new.body := trim(new.body);
  return new;
end
$$;
create trigger stamp before insert on public.notes for each row execute function public.stamp();

-- The idiom for rows that nobody deletes, and a rule that stays with its row.
create rule keep as on delete to public.audit do instead nothing;
create rule note_deleted as on delete to public.notes do also insert into public.audit (tenant_id, body)
  values (old.tenant_id, 'deleted');

-- A view's trigger that says whose the row is by itself.
create view public.drafts with (security_barrier = true) as select * from public.notes
                                                             where tenant_id = (select public.current_tenant())
                                                             limit 100;
grant select, insert on public.drafts to app_user;
create function public.file_draft() returns trigger language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.notes (tenant_id, body) values (public.current_tenant(), new.body);
  return new;
end
$$;
create trigger file_draft instead of insert on public.drafts for each row execute function public.file_draft();
