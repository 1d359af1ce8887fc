-- Partitions and inheritance children are reached through their parent only: row security of the parent does not apply to whoever
-- names a child. So they have no privileges. Where there is a schema partitions, they also get their parent's policies, for the day
-- that somebody grants some; elsewhere they have row security without a policy, which is shut.
create or replace function tenancy.isolate_children(target regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  child record;
begin
  for child in
    with recursive tree as (
      select inhrelid from pg_catalog.pg_inherits where inhparent = target
      union
      select i.inhrelid from pg_catalog.pg_inherits as i join tree on i.inhparent = tree.inhrelid
    )
    select c.oid::pg_catalog.regclass as name, c.relkind in ('r', 'p') as has_row_security
    from tree join pg_catalog.pg_class as c on c.oid = tree.inhrelid
    order by c.oid
  loop
    execute format('revoke all on table %s from public, authenticated, anonymous, app_background', child.name);
    continue when not child.has_row_security;
    execute format('alter table %s enable row level security, force row level security', child.name);
    if to_regprocedure('partitions.isolate(regclass, regclass)') is not null then
      perform partitions.isolate(target, child.name);
    end if;
  end loop;
end
$$;

comment on function tenancy.isolate_children(regclass) is
  'Takes the privileges of tenants and jobs from the children of a protected table, and gives them its row security, with its '
  'policies where schema partitions exists. protect(), append_only() and outbox.register() call it.';

revoke execute on function tenancy.isolate_children(regclass) from public;
