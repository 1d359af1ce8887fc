-- The moment at which the partitioned table gets the name. What belongs to the name goes along: privileges, triggers, publications,
-- sequences, and whatever refers to the table by its identity. The statements are written down while the old table has the name, and run
-- when the new one has it. All of it changes the catalogue only, in one transaction, under the lock of the old table.

create or replace function partitions.undress_statements(source regclass, stays boolean) returns text[]
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select s.statement
    from (
      select 1 as place, format('alter publication %I drop table %s', p.pubname, partitions.whole_name(source)) as statement
      from pg_catalog.pg_publication_rel as r join pg_catalog.pg_publication as p on p.oid = r.prpubid where r.prrelid = source
      union all
      select 2, format('alter table %s drop constraint %I', partitions.whole_name(c.conrelid), c.conname)
      from pg_catalog.pg_constraint as c where c.contype = 'f' and c.confrelid = source and c.conparentid = 0
      union all
      select 3, format('alter sequence %s owned by none', partitions.whole_name(d.objid))
      from pg_catalog.pg_depend as d join pg_catalog.pg_class as q on q.oid = d.objid and q.relkind = 'S'
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid and d.refobjid = source and d.deptype = 'a' and d.refobjsubid > 0
      union all
      -- As a partition it has the triggers and the identity of its parent; as a table that is kept for a while it has nothing to refer to.
      select 4, format('drop trigger %I on %s', t.tgname, partitions.whole_name(source))
      from pg_catalog.pg_trigger as t where t.tgrelid = source and not t.tgisinternal and (stays or starts_with(t.tgname::text, '!partitions'))
      union all
      select 5, format('alter table %s alter column %I drop identity', partitions.whole_name(source), a.attname)
      from pg_catalog.pg_attribute as a where a.attrelid = source and a.attidentity <> '' and not a.attisdropped and stays
      union all
      select 6, format('alter table %s drop constraint %I', partitions.whole_name(source), c.conname)
      from pg_catalog.pg_constraint as c where c.contype = 'f' and c.conrelid = source and c.conparentid = 0 and not stays
    ) as s
    order by s.place, s.statement
  );
end
$$;
comment on function partitions.undress_statements(regclass, boolean) is
  'What takes from a table what goes along with its name. stays: it becomes a partition, and keeps its foreign keys.';

create or replace function partitions.dress_statements(source regclass, lock_sequences boolean default true) returns text[]
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
declare
  whole constant pg_catalog.text := partitions.whole_name(source);
  statements pg_catalog.text[] := '{}';
  identity record;
  last_value pg_catalog.int8;
  is_called boolean;
begin
  -- Sequences are made anew for identity columns, which cannot be given one; theirs must not move on while it is read.
  for identity in
    select a.attname, a.attidentity, q.oid as sequence, q.relname, n.nspname, s.*
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid
      and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i'
    join pg_catalog.pg_class as q on q.oid = d.objid and q.relkind = 'S'
    join pg_catalog.pg_namespace as n on n.oid = q.relnamespace
    join pg_catalog.pg_sequence as s on s.seqrelid = q.oid
    where a.attrelid = source and a.attidentity <> '' and not a.attisdropped
    order by a.attnum
  loop
    if lock_sequences then
      execute format('alter sequence %I.%I cache %s', identity.nspname, identity.relname, identity.seqcache);
    end if;
    execute format('select last_value, is_called from %I.%I', identity.nspname, identity.relname) into last_value, is_called;
    statements := statements || format(
      'alter table %s alter column %I add generated %s as identity (sequence name %I.%I start with %s increment by %s minvalue %s maxvalue %s cache %s%s)',
      whole, identity.attname, case identity.attidentity when 'a' then 'always' else 'by default' end, identity.nspname, identity.relname,
      identity.seqstart, identity.seqincrement, identity.seqmin, identity.seqmax, identity.seqcache, case when identity.seqcycle then ' cycle' end)
      || format('select setval(%L, %s, %L)', format('%I.%I', identity.nspname, identity.relname), last_value, is_called)
      || array(
        select format('grant %s on sequence %I.%I to %s', g.privilege_type, identity.nspname, identity.relname,
          case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end)
        from pg_catalog.pg_class as q, aclexplode(q.relacl) as g where q.oid = identity.sequence and g.grantee <> q.relowner);
  end loop;

  return statements || array(
    select s.statement
    from (
      select 1 as place, q.relname::text as name, 1 as step, format('alter sequence %s owned by %s.%I', partitions.whole_name(q.oid), whole, a.attname) as statement
      from pg_catalog.pg_depend as d
      join pg_catalog.pg_class as q on q.oid = d.objid and q.relkind = 'S'
      join pg_catalog.pg_attribute as a on a.attrelid = source and a.attnum = d.refobjsubid
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refclassid = d.classid and d.refobjid = source and d.deptype = 'a'
      union all
      select 2, t.tgname::text, x.step, x.statement
      from pg_catalog.pg_trigger as t
      cross join lateral (values
        (1, pg_catalog.pg_get_triggerdef(t.oid)),
        (2, (select format('alter table %s %s trigger %I', whole, case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname)
          where t.tgenabled <> 'O')),
        (3, (select format('comment on trigger %I on %s is %L', t.tgname, whole, pg_catalog.obj_description(t.oid, 'pg_trigger'))
          where pg_catalog.obj_description(t.oid, 'pg_trigger') is not null))
      ) as x (step, statement)
      where t.tgrelid = source and not t.tgisinternal and not starts_with(t.tgname::text, '!partitions')
      union all
      select 3, '', 1, format('comment on table %s is %L', whole, pg_catalog.obj_description(source, 'pg_class')) where pg_catalog.obj_description(source, 'pg_class') is not null
      union all
      select 4, '', 1, format('alter table %s force row level security', whole) from pg_catalog.pg_class as c where c.oid = source and c.relforcerowsecurity
      union all
      -- Privileges come last of what is the table's own: from then on it is open, to whom the old one was.
      select 5, '', 1, format('revoke all on table %s from %I', whole, pg_catalog.pg_get_userbyid(c.relowner)) from pg_catalog.pg_class as c where c.oid = source and c.relacl is not null
      union all
      select 6, '', row_number() over ()::int4, format('grant %s on table %s to %s%s', g.privilege_type, whole,
        case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end, case when g.is_grantable and g.grantee <> c.relowner then ' with grant option' end)
      from pg_catalog.pg_class as c, aclexplode(c.relacl) as g where c.oid = source
      union all
      select 7, a.attname::text, row_number() over ()::int4, format('grant %s (%I) on table %s to %s%s', g.privilege_type, a.attname, whole,
        case when g.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end, case when g.is_grantable then ' with grant option' end)
      from pg_catalog.pg_attribute as a, aclexplode(a.attacl) as g where a.attrelid = source and not a.attisdropped
      union all
      select 8, p.pubname::text, 1, format('alter publication %I add table %s%s%s', p.pubname, whole,
        -- Column lists and row filters are there from PostgreSQL 15 on, and so are the columns of the catalogue.
        (select ' (' || string_agg(quote_ident(n.name), ', ') || ')' from jsonb_array_elements_text(to_jsonb(t) -> 'attnames') as n (name) where to_jsonb(r) ->> 'prattrs' is not null),
        (select ' where (' || (to_jsonb(t) ->> 'rowfilter') || ')' where to_jsonb(t) ->> 'rowfilter' is not null))
      from pg_catalog.pg_publication_rel as r
      join pg_catalog.pg_publication as p on p.oid = r.prpubid
      join pg_catalog.pg_class as c on c.oid = r.prrelid
      join pg_catalog.pg_publication_tables as t on t.pubname = p.pubname and t.schemaname = c.relnamespace::pg_catalog.regnamespace::pg_catalog.name and t.tablename = c.relname
      where r.prrelid = source
      union all
      select 9, c.conname::text, x.step, x.statement
      from pg_catalog.pg_constraint as c
      cross join lateral (values
        -- Valid rows stay valid, and are proved so afterwards, when no lock is held that anybody waits for.
        (1, format('alter table %s add constraint %I %s not valid', partitions.whole_name(c.conrelid), c.conname, regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), ' NOT VALID$', ''))),
        (2, (select format('comment on constraint %I on %s is %L', c.conname, partitions.whole_name(c.conrelid), pg_catalog.obj_description(c.oid, 'pg_constraint'))
          where pg_catalog.obj_description(c.oid, 'pg_constraint') is not null))
      ) as x (step, statement)
      where c.contype = 'f' and c.confrelid = source and c.conparentid = 0
      union all
      select 10, d.object, 1, d.statement from partitions.dependents(source) as d
    ) as s
    where s.statement is not null
    order by s.place, s.name, s.step
  );
end
$$;
comment on function partitions.dress_statements(regclass, boolean) is
  'What gives the table that will have the name what goes along with it. Locks the sequences of identity columns until the transaction ends, or '
  'else their values may be out of date.';

create or replace function partitions.move_table(relation regclass, schema_name name) returns void
language plpgsql
set search_path = ''
as $$
begin
  -- Indexes, constraints and sequences of columns go with it; extended statistics do not.
  perform partitions.run(array(
    select format('alter statistics %s.%I set schema %I', x.stxnamespace::pg_catalog.regnamespace, x.stxname, schema_name)
    from pg_catalog.pg_statistic_ext as x where x.stxrelid = relation));
  -- Names of indexes that came about by shortening are told apart within a schema only.
  perform partitions.run(array(
    select format('alter index %I.%I rename to %I', n.nspname, c.relname, partitions.free_name(target.oid, c.relname, '2'))
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_namespace as target on target.nspname = schema_name and target.oid <> n.oid
    where i.indrelid = relation and exists (select from pg_catalog.pg_class as o where o.relnamespace = target.oid and o.relname = c.relname)));
  execute format('alter table %s set schema %I', partitions.whole_name(relation), schema_name);
end
$$;
comment on function partitions.move_table(regclass, name) is 'Puts a table with all that belongs to it into another schema.';

create or replace function partitions.exchange(source regclass, parent regclass, attic name, old_name name) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  home constant pg_catalog.name := (select n.nspname from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.oid = source);
  plain constant pg_catalog.name := (select relname from pg_catalog.pg_class where oid = source);
  dressing constant pg_catalog.text[] := partitions.dress_statements(source, true);
begin
  perform partitions.run(partitions.undress_statements(source, false));
  execute format('alter table %I.%I rename to %I', home, plain, old_name);
  perform partitions.move_table(source, attic);
  perform partitions.close_table(source);
  perform partitions.move_table(parent, home);
  perform partitions.run(dressing);
end
$$;
comment on function partitions.exchange(regclass, regclass, name, name) is
  'Puts a partitioned table that build_parent() has made in another schema, under the same name, into the place of its source, which goes into '
  'the schema attic under the old name, closed to everybody but its owner. The caller holds ACCESS EXCLUSIVE on both.';

create or replace function partitions.make_schema(name name, owner oid) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
begin
  execute format('create schema if not exists %I', name);
  execute format('revoke all on schema %I from public', name);
  if owner <> current_user::pg_catalog.regrole then
    -- Constraints and the triggers of the copy work with the rights of the owner of the table.
    execute format('grant usage, create on schema %I to %I', name, pg_catalog.pg_get_userbyid(owner));
  end if;
end
$$;
comment on function partitions.make_schema(name, oid) is 'A schema that nobody but the owner of the table gets into.';

revoke execute on function
  partitions.undress_statements(regclass, boolean), partitions.dress_statements(regclass, boolean), partitions.exchange(regclass, regclass, name, name),
  partitions.move_table(regclass, name), partitions.make_schema(name, oid)
from public;
