-- A partition that is addressed by its own name has neither the row security nor the policies of its parent. So it gets the same, and
-- nobody gets a privilege: it is reached through its parent, which asks for privileges on the parent alone.

create or replace function partitions.renamed(expression text, from_name name, to_name name, columns name[]) returns text
language plpgsql immutable
set search_path = ''
as $$
begin
  -- In a subquery the catalogue writes the columns of the table with its name; elsewhere without.
  if expression is null or strpos(expression, quote_ident(from_name) || '.') = 0 then
    return expression;
  end if;
  -- Literals and quoted identifiers are tokens of their own, so that nothing is changed within them; a dot before, a bracket behind or a
  -- word that is no column is something else. The quotes are written as numbers for the sake of tools that count them.
  return (
    select string_agg(
      case when t.token = quote_ident(from_name) and t.next = '.' and t.previous is distinct from '.' and t.opened is distinct from '('
          and (t.column_name = '*' or t.column_name = any (select quote_ident(c) from unnest(columns) as c))
        then quote_ident(to_name) else t.token end, '' order by t.place)
    from (
      select found.token[1] as token, found.place, lag(found.token[1]) over w as previous, lead(found.token[1]) over w as next,
        lead(found.token[1], 2) over w as column_name, lead(found.token[1], 3) over w as opened
      from regexp_matches(expression, $re$(\u0027(?:[^\u0027]|\u0027\u0027)*\u0027|\u0022(?:[^\u0022]|\u0022\u0022)*\u0022|[[:alnum:]_$]+|.)$re$, 'g') with ordinality as found (token, place)
      window w as (order by found.place)
    ) as t
  );
end
$$;
comment on function partitions.renamed(text, name, name, name[]) is 'An expression over a table, as it is over another one with the same columns.';

create or replace function partitions.policies(relation regclass, as_name name default null)
returns table (name name, command "char", permissive boolean, roles text, using_expression text, check_expression text, comment text)
language plpgsql stable
set search_path = ''
as $$
begin
  return query
    select p.polname, p.polcmd, p.polpermissive,
      (select string_agg(case when r = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(r)) end, ', ' order by r) from unnest(p.polroles) as r),
      partitions.renamed(pg_catalog.pg_get_expr(p.polqual, p.polrelid), c.relname, coalesce(as_name, c.relname), a.names),
      partitions.renamed(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), c.relname, coalesce(as_name, c.relname), a.names),
      pg_catalog.obj_description(p.oid, 'pg_policy')
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
    cross join lateral (
      select array_agg(attname) from pg_catalog.pg_attribute where attrelid = c.oid and not attisdropped
    ) as a (names)
    where p.polrelid = relation;
end
$$;
comment on function partitions.policies(regclass, name) is 'The policies of a table as they read on a table of the same columns with another name.';

create or replace function partitions.isolate(parent regclass, child regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  above pg_catalog.pg_class;
  below pg_catalog.pg_class;
  policy record;
  named record;
begin
  select * into above from pg_catalog.pg_class as c where c.oid = parent;
  select * into below from pg_catalog.pg_class as c where c.oid = child;
  if above.oid is null or below.oid is null then
    raise null_value_not_allowed using message = 'partitions.isolate() needs a table and a partition of it';
  end if;

  -- Only what differs is touched, since each of these statements locks the child.
  for named in
    select distinct case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end as role
    from (
      select below.relacl as acl
      union all
      select a.attacl from pg_catalog.pg_attribute as a where a.attrelid = child and a.attacl is not null
    ) as acls, aclexplode(acls.acl) as g
    where g.grantee <> below.relowner
    order by 1
  loop
    execute format('revoke all on table %s from %s cascade', child, named.role);
  end loop;

  -- A foreign table has no row security; the server that it is on has to see to it.
  if below.relkind in ('r', 'p') then
    -- In this order there is no statement after which a row is open that was not before.
    if above.relrowsecurity and not below.relrowsecurity then
      execute format('alter table %s enable row level security', child);
    end if;
    if above.relforcerowsecurity <> below.relforcerowsecurity then
      execute format('alter table %s %s row level security', child, case when above.relforcerowsecurity then 'force' else 'no force' end);
    end if;
    for policy in select p.name from (select * from partitions.policies(child) except select * from partitions.policies(parent, below.relname)) as p loop
      execute format('drop policy %I on %s', policy.name, child);
    end loop;
    for policy in select * from partitions.policies(parent, below.relname) except select * from partitions.policies(child) loop
      execute format('create policy %I on %s as %s for %s to %s%s%s', policy.name, child,
        case when policy.permissive then 'permissive' else 'restrictive' end,
        case policy.command when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        policy.roles, ' using (' || policy.using_expression || ')', ' with check (' || policy.check_expression || ')');
      if policy.comment is not null then
        execute format('comment on policy %I on %s is %L', policy.name, child, policy.comment);
      end if;
    end loop;
    if below.relrowsecurity and not above.relrowsecurity then
      execute format('alter table %s disable row level security', child);
    end if;
  end if;

  for named in select c.child from pg_catalog.pg_inherits as i, lateral (select i.inhrelid::pg_catalog.regclass) as c (child) where i.inhparent = isolate.child loop
    perform partitions.isolate(child, named.child);
  end loop;
end
$$;
comment on function partitions.isolate(regclass, regclass) is
  'Gives a partition, and what is below it, the row security and the policies of its parent, and takes everybody''s privileges but the '
  'owner''s. May be repeated: it changes what differs. Roles need no privilege on a partition to reach it through its parent.';

revoke execute on function
  partitions.renamed(text, name, name, name[]), partitions.policies(regclass, name), partitions.isolate(regclass, regclass)
from public;
