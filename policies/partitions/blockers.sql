-- What cannot be carried over to a partitioned table, each with its reason and what to do. Nothing is dropped silently.

create or replace function partitions.identifying_index(source regclass) returns oid
language sql stable
set search_path = ''
as $$
  select i.indexrelid
  from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
  where i.indrelid = source and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
    and not exists (
      select from pg_catalog.pg_attribute as a
      where a.attrelid = source and a.attnum = any (i.indkey[0:i.indnkeyatts - 1]) and not a.attnotnull
    )
  order by i.indisprimary desc, i.indnkeyatts, c.relname limit 1
$$;
comment on function partitions.identifying_index(regclass) is 'The index by which a row is told from all others: the primary key, or a unique one over columns that are NOT NULL.';

create or replace function partitions.blockers(source regclass, key name, extend_keys boolean default false, method text default 'shadow')
returns table (object text, reason text, hint text)
language plpgsql stable
set search_path = ''
as $$
declare
  relation pg_catalog.pg_class;
  attribute record;
  whole constant pg_catalog.text := partitions.whole_name(source);
  version constant pg_catalog.int4 := current_setting('server_version_num')::pg_catalog.int4;
begin
  select * into relation from pg_catalog.pg_class as c where c.oid = source;
  if relation.relkind is distinct from 'r' then
    return query select coalesce(whole, 'NULL'),
      case relation.relkind when 'p' then 'it is partitioned already' else 'it is no table' end,
      case relation.relkind when 'p' then 'Keep its partitions up with harness partitions ensure.' else 'Name a table.' end;
    return;
  end if;

  select a.attnum, a.attname, a.attnotnull, a.attgenerated, coalesce(nullif(t.typbasetype, 0), t.oid)::pg_catalog.regtype as type into attribute
  from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid
  where a.attrelid = source and a.attname = key and a.attnum > 0 and not a.attisdropped;
  if attribute.attnum is null then
    return query select whole, format('it has no column %I', key), 'Name a column of type date, timestamp or timestamptz.';
    return;
  end if;

  return query
    -- The table itself.
    select whole, b.reason, b.hint
    from (values
      (relation.relpersistence = 't', 'it is a temporary table', 'Only tables that last are partitioned.'),
      (relation.relpersistence = 'u', 'it is unlogged', format('alter table %s set logged;', whole)),
      (relation.relispartition, 'it is a partition itself', 'Divide its parent into shorter periods instead.'),
      (relation.reloftype <> 0, 'it is a typed table', format('alter table %s not of;', whole)),
      (relation.relam <> (select oid from pg_catalog.pg_am where amname = 'heap'), 'it is not stored as a heap', 'Its partitions would be.'),
      (relation.relreplident = 'i', 'its replica identity is an index',
        format('alter table %s replica identity default; if it has a primary key, which will contain %I.', whole, key)),
      (not pg_has_role(relation.relowner, 'usage'), format('it belongs to %I', pg_catalog.pg_get_userbyid(relation.relowner)), 'Connect as its owner.'),
      (not has_database_privilege(current_database(), 'create'), 'this role may not create schemas in this database, and the partitioned table is made in one of its own',
        format('grant create on database %I to %I;', current_database(), current_user)),
      (not has_schema_privilege(relation.relowner, relation.relnamespace, 'create'),
        format('its owner %I may not create tables in its schema', pg_catalog.pg_get_userbyid(relation.relowner)),
        format('grant create on schema %s to %I;', relation.relnamespace::pg_catalog.regnamespace, pg_catalog.pg_get_userbyid(relation.relowner))),
      (exists (select from pg_catalog.pg_inherits as i where i.inhparent = source or i.inhrelid = source and not relation.relispartition),
        'it inherits from another table, or another one from it', 'A partitioned table has no other heirs: alter table … no inherit.'),
      (exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = source and d.deptype = 'e'),
        'it belongs to an extension', 'Leave it as it is: an update of the extension would not know it any more.'),
      (exists (select from pg_catalog.pg_seclabel as l where l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and l.objoid = source),
        'it has security labels, which are not carried over', 'Take them off before and put them on again afterwards.'),
      (exists (select from pg_catalog.pg_subscription_rel as s where s.srrelid = source), 'it is filled by a subscription', 'Take it out of the publication that it comes from.'),
      (method = 'shadow' and partitions.identifying_index(source) is null,
        'it has neither a primary key nor a unique one over NOT NULL columns, so that a change could not be repeated in the copy',
        'Use --method attach, which copies nothing, or add a key.')
    ) as b (applies, reason, hint)
    where b.applies
    union all
    -- The key.
    select format('column %I', key), b.reason, b.hint
    from (values
      (attribute.type not in ('pg_catalog.date'::pg_catalog.regtype, 'pg_catalog.timestamp'::pg_catalog.regtype, 'pg_catalog.timestamptz'::pg_catalog.regtype),
        format('it is of type %s', attribute.type), 'Choose one of type date, timestamp or timestamptz.'),
      (not attribute.attnotnull, 'it may be NULL, and no partition is for NULL',
        format('Give every row a value, then: alter table %s add check (%I is not null) not valid; validate it, and: alter table %1$s alter column %2$I set not null;', whole, key)),
      (attribute.attgenerated <> '', 'it is generated', 'Choose one that is stored as given.')
    ) as b (applies, reason, hint)
    where b.applies
    union all
    -- Indexes.
    select format('index %I', c.relname), 'it is not valid', 'Drop it, or: reindex index concurrently.'
    from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
    where i.indrelid = source and not i.indisvalid
      -- what a conversion by attaching is building
      and not partitions.is_extended(c.relname)
    union all
    select format('%s %I', case when i.indisprimary then 'primary key' else 'unique key' end, c.relname),
      format('it lacks %I, which every unique key of a partitioned table has to contain', key),
      format('With --extend-keys it is (%s), which no longer rules out the same values with different %I: see docs/partitions.md.',
        concat_ws(', ', variadic array(
          select pg_catalog.pg_get_indexdef(i.indexrelid, n, true) from generate_series(1, i.indnkeyatts) as n) || quote_ident(key)), key)
    from pg_catalog.pg_index as i join pg_catalog.pg_class as c on c.oid = i.indexrelid
    where i.indrelid = source and i.indisunique and not extend_keys and not attribute.attnum = any (i.indkey[0:i.indnkeyatts - 1])
    union all
    select format('constraint %I', c.conname),
      case when version < 170000 then 'partitioned tables have exclusion constraints from PostgreSQL 17 on only'
        else format('it does not compare %I by =, and no constraint sees rows of other partitions', key) end,
      'Leave this table as it is, or keep what must not overlap in a table of its own.'
    from pg_catalog.pg_constraint as c
    where c.conrelid = source and c.contype = 'x'
      and (version < 170000 or not exists (
        select from unnest(c.conkey, c.conexclop) as e (attnum, operator) join pg_catalog.pg_operator as o on o.oid = e.operator
        where e.attnum = attribute.attnum and o.oprname = '='))
    union all
    select format('constraint %I', c.conname), 'it is WITHOUT OVERLAPS, to which no column can be added', 'Leave this table as it is.'
    from pg_catalog.pg_constraint as c
    where c.conrelid = source and c.contype in ('p', 'u') and to_jsonb(c) ->> 'conperiod' = 'true'
    union all
    -- Other constraints.
    select format('constraint %I', c.conname), 'it is not validated, so that rows may be in the table that cannot be in its copy',
      format('alter table %s validate constraint %I;', whole, c.conname)
    from pg_catalog.pg_constraint as c
    where c.conrelid = source and c.contype in ('c', 'f') and not c.convalidated and c.conname <> 'partition_bounds'
    union all
    select format('constraint %I', c.conname), 'it is NO INHERIT, which a partitioned table cannot have', 'Create it again without.'
    from pg_catalog.pg_constraint as c where c.conrelid = source and c.contype = 'c' and c.connoinherit
    union all
    select format('constraint %I on %s', c.conname, partitions.whole_name(c.conrelid)), b.reason, b.hint
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_class as r on r.oid = c.conrelid
    cross join lateral (values
      (c.conrelid = source, 'it refers to its own table: while rows are copied one by one, not all of those are there that others refer to',
        'Drop it, and add it again afterwards.'),
      (c.conrelid <> source and not attribute.attnum = any (c.confkey),
        format('it refers to %s without %I, which the key that it would refer to has to contain', whole, key),
        format('Add %I to the referring table and to the foreign key, or let a trigger keep watch.', key)),
      (c.conrelid <> source and r.relkind = 'p' and attribute.attnum = any (c.confkey), 'the referring table is partitioned, so that its rows would have to be read under a lock',
        'Drop it, and add it again afterwards.'),
      (not pg_has_role(r.relowner, 'usage'), 'the referring table belongs to another role', 'Connect as a member of both.')
    ) as b (applies, reason, hint)
    where c.contype = 'f' and c.confrelid = source and c.conparentid = 0 and b.applies
    union all
    -- Triggers, rules, publications.
    select format('trigger %I', t.tgname), 'it fires for each row and has transition tables, which partitions cannot have', 'Let it fire for each statement.'
    from pg_catalog.pg_trigger as t
    where t.tgrelid = source and not t.tgisinternal and t.tgtype & 1 = 1 and (t.tgoldtable is not null or t.tgnewtable is not null)
    union all
    select format('rule %I', r.rulename), 'rules are not carried over', 'Let a trigger do the same.'
    from pg_catalog.pg_rewrite as r where r.ev_class = source
    union all
    select format('publication %I', p.pubname), b.reason, b.hint
    from pg_catalog.pg_publication as p
    join pg_catalog.pg_publication_tables as t on t.pubname = p.pubname and t.schemaname = relation.relnamespace::pg_catalog.regnamespace::pg_catalog.name and t.tablename = relation.relname
    left join pg_catalog.pg_publication_rel as r on r.prpubid = p.oid and r.prrelid = source
    cross join lateral (values
      (not p.pubviaroot, 'it would publish the partitions by their own names, which subscribers do not have',
        format('alter publication %I set (publish_via_partition_root = true);', p.pubname)),
      (r.oid is null and method = 'shadow', 'it has every table, and would publish the copy too while that is filled', 'Let it name its tables, or use --method attach.'),
      (r.oid is not null and not pg_has_role(p.pubowner, 'usage'), 'it belongs to another role', format('Become a member of %I.', pg_catalog.pg_get_userbyid(p.pubowner)))
    ) as b (applies, reason, hint)
    where b.applies
    union all
    select d.object, d.reason, d.hint from partitions.dependents(source) as d where d.reason is not null
    union all
    select format('view %s', r.ev_class::pg_catalog.regclass), format('it groups by the primary key, which gets %I as one more column', key),
      'Let it group by every column that it shows.'
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_depend as d on d.refclassid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.refobjid = c.oid and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    join pg_catalog.pg_rewrite as r on r.oid = d.objid
    where c.conrelid = source and c.contype = 'p' and not attribute.attnum = any (c.conkey)
    union all
    select n.object, 'a row names the table by its identity, and would go on to name the old one', 'Take the row out, and enter the new table afterwards.'
    from partitions.rows_that_name(source) as n
    union all
    select format('sequence %s', s.objid::pg_catalog.regclass), format('%s uses it too, and the sequence of an identity column has to be made anew', pg_catalog.pg_describe_object(o.classid, o.objid, o.objsubid)),
      'Give the other one a sequence of its own.'
    from pg_catalog.pg_depend as s
    join pg_catalog.pg_depend as o on o.refclassid = s.classid and o.refobjid = s.objid and o.deptype <> 'i'
    where s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and s.refclassid = s.classid and s.refobjid = source and s.deptype = 'i' and s.refobjsubid > 0;
end
$$;
comment on function partitions.blockers(regclass, name, boolean, text) is
  'What stands in the way of partitioning a table by a column, each with its reason and what to do. method: attach, shadow, or rebuild for '
  'partitions.rebuild(). No rows: nothing does. Does not look at the rows.';

revoke execute on function partitions.identifying_index(regclass), partitions.blockers(regclass, name, boolean, text) from public;
