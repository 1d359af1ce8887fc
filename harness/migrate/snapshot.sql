-- What every file of snapshot/ can read, and what becomes of their rows; harness puts them behind the line UNION ALL.
-- The settings: harness.snapshot = {"schemas": [...] or null for all, "managed": [oids of tables whose partitions are
-- left out]}.
--
-- A file of snapshot/ is a query with these columns; all that has an owner, privileges, a comment or a label gets them
-- here.
--   class, id, part  what pg_description knows it by (part: number of the column, otherwise 0)
--   object           kind and name: the line by which two snapshots are compared
--   definition       all else, in lines; NULL if there is nothing to say
--   owner            NULL for what has the owner of its table
--   acl              its privileges; NULL for those that it has by itself
--   acl_kind         letter for acldefault(); NULL for what has none by itself
with options as (
  select coalesce(nullif(current_setting('harness.snapshot', true), ''), '{}')::jsonb as o
),
schemas as materialized (
  select n.oid, n.nspname, n.nspowner, n.nspacl
    from pg_catalog.pg_namespace as n, options
   -- graphile_migrate is the ledger of migrations, which says how the rest came about
   where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'graphile_migrate')
     and (jsonb_typeof(o -> 'schemas') is distinct from 'array' or o -> 'schemas' ? n.nspname)
     and not exists (select from pg_catalog.pg_depend as d
                      where d.classid = 'pg_catalog.pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e')
),
-- Partitions that are made by the calendar have other names every month: what they inherit stands with their table.
by_calendar as materialized (
  select t.relid as oid
    from options,
         jsonb_array_elements_text(case when jsonb_typeof(o -> 'managed') = 'array' then o -> 'managed' else '[]' end)
           as m (parent)
   cross join lateral pg_catalog.pg_partition_tree(m.parent::oid::regclass) as t
   where t.relid <> m.parent::oid::regclass
),
relations as materialized (
  select c.*, format('%I.%I', s.nspname, c.relname) as name
    from pg_catalog.pg_class as c
    join schemas as s on s.oid = c.relnamespace
   where c.relpersistence <> 't' and c.oid not in (select b.oid from by_calendar as b)
     and not exists (select from pg_catalog.pg_depend as d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
),
objects (class, id, part, object, definition, owner, acl, acl_kind) as (
select null::regclass, null::oid, null::int, null::text, null::text, null::oid, null::aclitem[], null::"char"
 where false
-- UNION ALL each file of snapshot/
),
privileges as (
  select o.class, o.id, o.part, p.change, p.grantee, p.is_grantable,
         string_agg(p.privilege_type, ', ' order by p.privilege_type) as names
    from objects as o
   cross join lateral (select acldefault(o.acl_kind, o.owner) as usual) as u
   cross join lateral (
      (select 'grant' as change, a.grantee, a.privilege_type, a.is_grantable from aclexplode(o.acl) as a
        except select 'grant', a.grantee, a.privilege_type, a.is_grantable from aclexplode(u.usual) as a)
      union all
      (select 'revoke', a.grantee, a.privilege_type, a.is_grantable from aclexplode(u.usual) as a
        except select 'revoke', a.grantee, a.privilege_type, a.is_grantable from aclexplode(o.acl) as a)) as p
   where o.acl is not null
   group by o.class, o.id, o.part, p.change, p.grantee, p.is_grantable
),
privilege_lines as (
  select p.class, p.id, p.part, string_agg(l.line, E'\n' order by l.line collate "C") as lines
    from privileges as p
   cross join lateral (
      select format('%s %s %s %s%s', p.change, p.names, case p.change when 'grant' then 'to' else 'from' end,
                    case when p.grantee = 0 then 'public' else quote_ident(pg_catalog.pg_get_userbyid(p.grantee)) end,
                    case when p.is_grantable and p.change = 'grant' then ' with grant option' else '' end) as line) as l
   group by p.class, p.id, p.part
)
select o.object,
       concat_ws(E'\n',
         o.definition,
         case when o.owner is not null then 'owner ' || quote_ident(pg_catalog.pg_get_userbyid(o.owner)) end,
         l.lines,
         (select 'comment ' || d.description from pg_catalog.pg_description as d
           where d.classoid = o.class and d.objoid = o.id and d.objsubid = o.part),
         (select 'comment ' || d.description from pg_catalog.pg_shdescription as d
           where d.classoid = o.class and d.objoid = o.id),
         (select string_agg(format('label of %s: %s', s.provider, s.label), E'\n' order by s.provider)
            from pg_catalog.pg_seclabel as s
           where s.classoid = o.class and s.objoid = o.id and s.objsubid = o.part)) as text
  from objects as o
  left join privilege_lines as l on l.class = o.class and l.id = o.id and l.part = o.part
 where not exists (select from pg_catalog.pg_depend as d
                    where d.classid = o.class and d.objid = o.id and d.deptype = 'e')
    or o.class = 'pg_catalog.pg_extension'::regclass
 order by o.object collate "C"
