-- An empty partitioned table like one that is not partitioned. It is made in a schema of its own under the same name, so that all that
-- belongs to it has its final name from the beginning: the exchange of the two tables is an exchange of their schemas.

create or replace function partitions.with_key(definition text, key name) returns text
language plpgsql immutable
set search_path = ''
as $$
declare
  depth integer := 0;
  quoted pg_catalog.text := '';
  c pg_catalog.text;
begin
  -- At the end of the first list in brackets; what is in quotes is no bracket.
  for i in 1 .. length(definition) loop
    c := substr(definition, i, 1);
    if quoted <> '' then
      quoted := case when c = quoted then '' else quoted end;
    elsif c in ('''', '"') then
      quoted := c;
    elsif c = '(' then
      depth := depth + 1;
    elsif c = ')' then
      depth := depth - 1;
      if depth = 0 then
        return left(definition, i - 1) || ', ' || quote_ident(key) || substr(definition, i);
      end if;
    end if;
  end loop;
  raise invalid_parameter_value using message = format('%L has no list in brackets', definition);
end
$$;
comment on function partitions.with_key(text, name) is 'The definition of an index or a key with one more column.';

create or replace function partitions.extended_name(index name) returns name
language sql immutable
set search_path = ''
as $$
  select case when octet_length(index::text) <= 51 then index || '_partitioned' else left(index::text, 30) || '_' || left(md5(index::text), 8) || '_partitioned' end
$$;
comment on function partitions.extended_name(name) is 'How an index with the partition key is called while the one without it is there.';

create or replace function partitions.is_extended(index name) returns boolean
language sql immutable
set search_path = ''
as $$ select right(index::text, 12) = '_partitioned' $$;
comment on function partitions.is_extended(name) is 'Whether an index is called like one that a conversion builds.';

create or replace function partitions.renamed_part(name name, from_name name, to_name name) returns name
language sql immutable
set search_path = ''
as $$
  -- Shortened with a hash, where it would be too long.
  select case when octet_length(w.wanted) <= 63 then w.wanted else left(w.wanted, 24) || '_' || left(md5(w.wanted), 8) end
  from (
    select case when starts_with(name::text, from_name || '_') then to_name || substr(name::text, length(from_name::text) + 1) else to_name || '_' || name end
  ) as w (wanted)
$$;
comment on function partitions.renamed_part(name, name, name) is 'The name of what belongs to a table, such as an index, when the table gets another name.';

create or replace function partitions.key_definitions(source regclass, key name)
returns table (index regclass, name name, kind "char", body text, extended boolean, comment text, constraint_name name)
language sql stable
set search_path = ''
as $$
  select i.indexrelid, c.relname, coalesce(k.contype, case when i.indisunique then 'U' else 'i' end::pg_catalog."char"),
    case when i.indisunique and coalesce(k.contype <> 'x', true) and not a.attnum = any (i.indkey[0:i.indnkeyatts - 1]) then partitions.with_key(d.body, key) else d.body end,
    i.indisunique and coalesce(k.contype <> 'x', true) and not a.attnum = any (i.indkey[0:i.indnkeyatts - 1]),
    coalesce(pg_catalog.obj_description(k.oid, 'pg_constraint'), pg_catalog.obj_description(c.oid, 'pg_class')), k.conname
  from pg_catalog.pg_index as i
  join pg_catalog.pg_class as c on c.oid = i.indexrelid
  join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attname = key
  left join pg_catalog.pg_constraint as k on k.conindid = c.oid and k.conrelid = source and k.contype in ('p', 'u', 'x')
  cross join lateral (
    select coalesce(pg_catalog.pg_get_constraintdef(k.oid),
      -- What follows CREATE INDEX name ON table.
      substr(pg_catalog.pg_get_indexdef(c.oid),
        length(format('create %sindex %I on %s ', case when i.indisunique then 'unique ' else '' end, c.relname, partitions.whole_name(source))) + 1))
  ) as d (body)
  where i.indrelid = source and i.indisvalid and not partitions.is_extended(c.relname)
  order by c.relname
$$;
comment on function partitions.key_definitions(regclass, name) is
  'The indexes and keys of a table as a table partitioned by the column has them. kind: p, u, x as in pg_constraint; U: a unique index that is '
  'no constraint, i: another index. extended: the column was added to it.';

create or replace function partitions.run(statements text[]) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  statement pg_catalog.text;
begin
  foreach statement in array coalesce(statements, '{}') loop
    execute statement;
  end loop;
end
$$;
comment on function partitions.run(text[]) is 'Runs statements, one after the other.';

create or replace function partitions.close_table(relation regclass) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform partitions.run(array(
    select distinct format('revoke all on table %s from %s cascade', partitions.whole_name(relation),
      case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end)
    from pg_catalog.pg_class as c
    cross join lateral (
      select c.relacl union all select a.attacl from pg_catalog.pg_attribute as a where a.attrelid = c.oid and a.attacl is not null
    ) as acls (acl)
    cross join aclexplode(acls.acl) as g
    where c.oid = relation and g.grantee <> c.relowner));
end
$$;
comment on function partitions.close_table(regclass) is 'Takes everybody''s privileges on a table but its owner''s, also those that came by default.';

create or replace function partitions.build_parent(source regclass, key name, new_name text, extend_keys boolean default false) returns regclass
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  home constant pg_catalog.name := (select n.nspname from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.oid = source);
  old_name constant pg_catalog.name := (select relname from pg_catalog.pg_class where oid = source);
  parts constant pg_catalog.text[] := parse_ident(new_name);
  new_home constant pg_catalog.name := case cardinality(parts) when 1 then home else parts[1] end;
  plain constant pg_catalog.name := parts[cardinality(parts)];
  whole constant pg_catalog.text := format('%I.%I', new_home, plain);
  relation pg_catalog.pg_class;
  parent regclass;
  obstacle record;
  k record;
begin
  for obstacle in select * from partitions.blockers(source, key, extend_keys, 'rebuild') as b limit 1 loop
    raise object_not_in_prerequisite_state using
      message = format('%s cannot be partitioned: %s: %s', source, obstacle.object, obstacle.reason), hint = obstacle.hint;
  end loop;
  select * into relation from pg_catalog.pg_class as c where c.oid = source;

  execute format(
    'create table %s (like %s including defaults including generated including storage including compression including comments including constraints) partition by range (%I)%s',
    whole, partitions.whole_name(source), key,
    (select format(' tablespace %I', t.spcname) from pg_catalog.pg_tablespace as t where t.oid = relation.reltablespace));
  parent := whole::pg_catalog.regclass;
  if relation.relowner <> current_user::pg_catalog.regrole then
    execute format('alter table %s owner to %I', whole, pg_catalog.pg_get_userbyid(relation.relowner));
  end if;
  -- By default privileges it may have been born with some.
  perform partitions.close_table(parent);

  perform partitions.run(array(
    select format('alter table only %s alter column %I set statistics %s', whole, a.attname, a.attstattarget)
    from pg_catalog.pg_attribute as a where a.attrelid = source and a.attnum > 0 and not a.attisdropped and a.attstattarget >= 0
    union all
    select format('alter table only %s alter column %I set (%s)', whole, a.attname, array_to_string(a.attoptions, ', '))
    from pg_catalog.pg_attribute as a where a.attrelid = source and a.attnum > 0 and not a.attisdropped and a.attoptions is not null));

  for k in
    select d.*, case when new_home = home then partitions.renamed_part(d.name, old_name, plain) else d.name end as new_index
    from partitions.key_definitions(source, key) as d
  loop
    if k.kind in ('p', 'u', 'x') then
      execute format('alter table %s add constraint %I %s', whole, k.new_index, k.body);
      if k.comment is not null then
        execute format('comment on constraint %I on %s is %L', k.new_index, whole, k.comment);
      end if;
    else
      execute format('create %sindex %I on %s %s', case k.kind when 'U' then 'unique ' else '' end, k.new_index, whole, k.body);
      if k.comment is not null then
        execute format('comment on index %I.%I is %L', new_home, k.new_index, k.comment);
      end if;
    end if;
  end loop;

  perform partitions.run(array(
    select s.statement
    from pg_catalog.pg_statistic_ext as x
    cross join lateral (
      select format('%I.%I', new_home, case when new_home = home then partitions.renamed_part(x.stxname, old_name, plain) else x.stxname end),
        pg_catalog.pg_get_statisticsobjdef(x.oid), format('create statistics %I.%I', x.stxnamespace::pg_catalog.regnamespace::pg_catalog.name, x.stxname),
        ' FROM ' || partitions.whole_name(source)
    ) as d (name, definition, head, tail)
    cross join lateral (values
      (1, 'create statistics ' || d.name || left(substr(d.definition, length(d.head) + 1), -length(d.tail)) || ' from ' || whole),
      (2, (select format('comment on statistics %s is %L', d.name, pg_catalog.obj_description(x.oid, 'pg_statistic_ext'))
        where pg_catalog.obj_description(x.oid, 'pg_statistic_ext') is not null)),
      (3, (select format('alter statistics %s set statistics %s', d.name, x.stxstattarget) where x.stxstattarget >= 0)),
      (4, (select format('alter statistics %s owner to %I', d.name, pg_catalog.pg_get_userbyid(x.stxowner)) where x.stxowner <> current_user::pg_catalog.regrole))
    ) as s (place, statement)
    where x.stxrelid = source and s.statement is not null
    order by x.stxname, s.place));

  -- Row security without FORCE: who fills the table is its owner, and nobody else has any privilege. FORCE comes at the exchange.
  if relation.relrowsecurity then
    execute format('alter table %s enable row level security', whole);
  end if;
  perform partitions.run(array(
    select s.statement
    from partitions.policies(source, plain) as p
    cross join lateral (values
      (1, format('create policy %I on %s as %s for %s to %s%s%s', p.name, whole, case when p.permissive then 'permissive' else 'restrictive' end,
        case p.command when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        p.roles, ' using (' || p.using_expression || ')', ' with check (' || p.check_expression || ')')),
      (2, (select format('comment on policy %I on %s is %L', p.name, whole, p.comment) where p.comment is not null))
    ) as s (place, statement)
    where s.statement is not null order by p.name, s.place));

  if relation.relreplident in ('f', 'n') then
    execute format('alter table %s replica identity %s', whole, case relation.relreplident when 'f' then 'full' else 'nothing' end);
  end if;
  -- Last, since each locks the table that it refers to against writers until the transaction ends.
  perform partitions.run(array(
    select s.statement
    from pg_catalog.pg_constraint as c
    cross join lateral (values
      (format('alter table %s add constraint %I %s', whole, c.conname, pg_catalog.pg_get_constraintdef(c.oid))),
      (format('comment on constraint %I on %s is %L', c.conname, whole, pg_catalog.obj_description(c.oid, 'pg_constraint')))
    ) as s (statement)
    where c.conrelid = source and c.contype = 'f' and c.conparentid = 0 and (s.statement like 'alter%' or pg_catalog.obj_description(c.oid, 'pg_constraint') is not null)
    order by c.conname, s.statement));

  return parent;
end
$$;
comment on function partitions.build_parent(regclass, name, text, boolean) is
  'An empty partitioned table like source: columns, defaults, generated columns, checks, keys, indexes, statistics, foreign keys, policies, '
  'comments, owner. What only the table with the name may have comes with partitions.exchange(): triggers, privileges, FORCE ROW LEVEL '
  'SECURITY, identity, publications. extend_keys: adds the partition key to unique keys that lack it.';

revoke execute on function
  partitions.with_key(text, name), partitions.extended_name(name), partitions.is_extended(name), partitions.renamed_part(name, name, name),
  partitions.key_definitions(regclass, name), partitions.run(text[]), partitions.close_table(regclass), partitions.build_parent(regclass, name, text, boolean)
from public;
