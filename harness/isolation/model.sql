-- The tenant tables of a database, as the configuration describes them.
-- $1: the `isolation` part of harness.config.json. One row: the tables as JSON, and what the server is.
with recursive config as (
  select $1::jsonb as c
),
relations as (
  select r.oid,
         format('%I.%I', n.nspname, r.relname) as relation,
         n.nspname || '.' || r.relname as plain_name,
         r.relkind,
         n.nspname in (select jsonb_array_elements_text(c -> 'schemas')) as described
    from pg_catalog.pg_class r
    join pg_catalog.pg_namespace n on n.oid = r.relnamespace
   cross join config
   where r.relkind in ('r', 'p', 'v', 'm')
     and n.nspname !~ '^pg_(toast|temp)'
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = r.oid and d.deptype = 'e')
),
columns as (
  select r.oid, r.relation, r.plain_name, a.attname as tenant_column, a.atttypid, a.atttypmod,
         pg_catalog.format_type(a.atttypid, a.atttypmod) as type,
         coalesce(c -> 'tables' -> r.plain_name -> 'context', c -> 'context') as context
    from relations r
   cross join config
    join pg_catalog.pg_attribute a
      on a.attrelid = r.oid
     and a.attname = coalesce(c -> 'tables' -> r.plain_name ->> 'tenantColumn', c ->> 'tenantColumn')
     and a.attnum > 0 and not a.attisdropped
   where r.described and r.relkind in ('r', 'p') and not (c -> 'exempt') ? r.plain_name
),
-- The column of a membership table that the context is compared with
members as (
  select r.plain_name as table, r.relation, x.context, a.atttypid, a.atttypmod,
         pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from (select distinct context from columns where context ? 'membership') as x
    join relations r on r.plain_name = x.context -> 'membership' ->> 'table'
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attname = x.context -> 'membership' ->> 'member'
     and a.attnum > 0 and not a.attisdropped
),
base_types (type, modifier, base, base_modifier) as (
  select atttypid, atttypmod, atttypid, atttypmod
    from (select atttypid, atttypmod from columns union select atttypid, atttypmod from members) as t
  union
  select b.type, b.modifier, t.typbasetype, t.typtypmod from base_types b join pg_catalog.pg_type t on t.oid = b.base
   where t.typtype = 'd'
),
kinds as (
  select b.type, b.modifier,
         case when t.typcategory = 'S' and b.base_modifier > 4 then b.base_modifier - 4 end as width,
         case b.base when 'uuid'::regtype then 'uuid' when 'int2'::regtype then 'int2'
                                      when 'int4'::regtype then 'int' when 'int8'::regtype then 'int'
                                      when 'numeric'::regtype then 'int'
                                      else case when t.typcategory = 'S' then 'text' end end as kind
    from base_types b
    join pg_catalog.pg_type t on t.oid = b.base
   where t.typtype <> 'd'
),
-- One context names one tenant, whatever the types of the columns that are compared with it. Where one doesn't fit, its
-- row is a stranger's in any case.
asked as (
  select c.context - 'expression' - 'claims' as key, k.kind from columns c
    join kinds k on (k.type, k.modifier) = (c.atttypid, c.atttypmod) where not c.context ? 'membership'
  union all
  select m.context - 'expression' - 'claims' - 'membership', k.kind from members m
    join kinds k on (k.type, k.modifier) = (m.atttypid, m.atttypmod)
),
agreed as (
  select a.key, k.kind, k.fits
    from (select key, array_agg(kind) as kinds from asked group by key) as a
   cross join lateral (select *
                         from (values ('uuid', array['uuid', 'text']), ('int2', array['int2', 'int', 'text']),
                               ('int', array['int', 'text']), ('text', array['text']))
                                as k (kind, fits) where k.kind = any (a.kinds) limit 1) as k
),
-- Two tenants that no database has: whatever they see or change is a stranger's.
tenants (kind, own, other) as (
  values ('uuid', '00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'),
         ('int2', '32766', '32765'),
         ('int', '2147483646', '2147483645'),
         ('text', 'harness-tenant-a', 'harness-tenant-b'),
         ('short', 'a-harness-tenant', 'b-harness-tenant')
),
valued as (
  select c.*, k.kind as column_kind, case when a.fits @> array[k.kind] then a.kind else k.kind end as kind,
         k.width,
         case when k.kind is null then format('a value of type %s that is no tenant''s can''t be made up', c.type) end
           as undecidable
    from columns c
    join kinds k on (k.type, k.modifier) = (c.atttypid, c.atttypmod)
    left join agreed a on a.key = c.context - 'expression' - 'claims' and not c.context ? 'membership'
),
tenant_tables as (
  select v.*, case when t.kind = 'text' and v.width < 16 then left(s.own, v.width) else t.own end as own,
         case when t.kind = 'text' and v.width < 16 then left(s.other, v.width) else t.other end as other
    from valued v
    join tenants t on t.kind = v.kind
    join tenants s on s.kind = 'short'
   where v.undecidable is null
)
select pg_catalog.current_database() as database,
       current_user as "user",
       current_setting('server_version') as "serverVersion",
       (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser,
       pg_catalog.pg_is_in_recovery() as "inRecovery",
       case when exists (select from pg_catalog.pg_roles where rolname = 'neon_superuser') then 'neon'
            when exists (select from pg_catalog.pg_roles where rolname = 'supabase_admin') then 'supabase'
            else 'plain' end as flavor,
       coalesce((select jsonb_agg(jsonb_build_object('oid', oid::text, 'relation', relation, 'tenantColumn',
                                                     tenant_column, 'type', type,
                                                     'own', own, 'other', other, 'context', context, 'ordinary',
                                                     context = (select c -> 'context' from config)) order by relation)
                   from tenant_tables), '[]') as tables,
       coalesce((select jsonb_agg(jsonb_build_object('relation', relation, 'tenantColumn', tenant_column, 'type',
                                                     type, 'reason', undecidable) order by relation)
                   from valued where undecidable is not null), '[]') as undecidable,
       -- every context that a table is compared with, the configuration's own first, and whom it is to name
       coalesce((
           select jsonb_agg(jsonb_build_object('context', x.context, 'value',
                                               coalesce(t.own, case when a.kind = 'text' then s.own end))
                                                 order by x.context = c -> 'context' desc, x.context::text)
                   from config
                  cross join (select context, min(width) as width from tenant_tables group by context) as x
                   left join agreed a on a.key = x.context - 'expression' - 'claims' - 'membership'
                   left join tenants t on t.kind = coalesce(a.kind, 'uuid')
                    and (t.kind <> 'text' or coalesce(x.width, 16) >= 16)
                   left join lateral (select left(own, x.width) as own from tenants where kind = 'short') as s on true),
                        '[]') as contexts,
       coalesce((select jsonb_agg(jsonb_build_object('context', context, 'relation', relation, 'type', type))
                   from members), '[]') as members,
       coalesce((select jsonb_agg(key order by key) from config, jsonb_object_keys(c -> 'tables') as key
                  where key not in (select plain_name from valued)), '[]') as "missingTables"
