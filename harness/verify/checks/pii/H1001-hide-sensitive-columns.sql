-- code: H1001
-- name: hide-sensitive-columns
-- title: Once tenants are switched to the views, no tenant role reads a protected column in clear or opens a sealed one
-- severity: high
-- kind: catalogue
-- uses: tenant_roles, pii_tables, pii_columns, pii_registry
-- sources: bypass catalogue row 33; https://www.postgresql.org/docs/current/rules-privileges.html
-- The catalogue alone: who has which privilege, directly, by PUBLIC or by membership. No row is read.
with pii_roles as materialized (
  select k.oid, r.role from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
   -- 4a
   where not exists (select from pg_catalog.pg_roles b
                      where (b.rolsuper or b.rolbypassrls) and pg_has_role(k.oid, b.oid, 'MEMBER'))
),
-- Views that read such a column as somebody else than who asks, however deep.
pii_edges as materialized (
  select distinct v.oid as view, v.relkind, d.refobjid as ref, d.refobjsubid as attnum
    from pg_catalog.pg_rewrite w
    join pg_catalog.pg_class v on v.oid = w.ev_class and v.relkind in ('v', 'm')
     and not exists (select from unnest(v.reloptions) as o where o ~* '^security_invoker=(t|true|on|yes|1)$')
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
     and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> v.oid
   where exists (select from pii_tables)
),
pii_views as materialized (
  with recursive up as (
    select e.view, c.oid as base, c.attname from pii_edges e
      join pii_columns c on c.oid = e.ref and c.attnum = e.attnum and c.phase in ('switched', 'retiring')
    union
    select e.view, up.base, up.attname from up join pii_edges e on e.ref = up.view
  )
  select v.oid, format('%I.%I', n.nspname, v.relname) as relation, v.relnamespace, min(up.attname) as attname,
         min(up.base::regclass::text) as base
    from up join pg_catalog.pg_class v on v.oid = up.view join pg_catalog.pg_namespace n on n.oid = v.relnamespace
   group by v.oid, n.nspname, v.relname
),
pii_faults as materialized (
  select 1 as place, t.relation as object,
         format('%I reads %s in clear, in phase %s', min(r.role), string_agg(distinct quote_ident(c.attname), ', '),
                t.phase) as fault,
         format(
             E'select has_any_column_privilege(%L, %L, ''SELECT'');  -- and of each column: has_column_privilege(role, '
              'table, column, ''SELECT'')',
                min(r.role), t.relation) as evidence,
         format(E'revoke select on table %1$s from public, %2$s;\ngrant select (%3$I, %4$I) on table %1$s to %2$s;',
                t.relation,
                (select string_agg(quote_ident(r.role), ', ') from pii_roles r), t.tenant_column, t.id_column) as fix
    from pii_tables t
    join pii_columns c on c.oid = t.oid and c.phase in ('switched', 'retiring')
    join pii_roles r on has_column_privilege(r.oid, c.oid, c.attnum, 'SELECT')
     and has_schema_privilege(r.oid, t.relnamespace, 'USAGE')
   group by t.relation, t.phase, t.tenant_column, t.id_column
  union all
  select 2, v.relation, format('%I reads it, and it shows %I of %s in clear', min(r.role), v.attname, v.base),
         format('select pg_get_viewdef(%L::regclass);', v.relation),
         format('revoke select on table %s from public, %s;', v.relation,
                (select string_agg(quote_ident(r.role), ', ') from pii_roles r))
    from pii_views v
    join pii_roles r on has_any_column_privilege(r.oid, v.oid, 'SELECT')
     and has_schema_privilege(r.oid, v.relnamespace, 'USAGE')
   group by v.relation, v.attname, v.base
  union all
  select 3, p.oid::regprocedure::text,
         format('%I may call it: whoever has the key in the session opens values', min(r.role)),
         format('select has_function_privilege(%L, %L, ''EXECUTE'');  -- expected: f', min(r.role),
                p.oid::regprocedure),
         format(E'begin;\nset local role %I;\nrevoke execute on function %s from public, %s;\ncommit;',
                pg_get_userbyid(p.proowner), p.oid::regprocedure,
                (select string_agg(quote_ident(r.role), ', ') from pii_roles r))
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'pii'
     and p.proname in ('open', 'open_value', 'is_sealed_as', 'opening_keys', 'writing_keys', 'searching_key',
                       'unwrap', 'key_in', 'export_customer')
    join pii_roles r on has_function_privilege(r.oid, p.oid, 'EXECUTE')
   where exists (select from pii_tables)
   group by p.oid
  union all
  select 4, format('role %I', k.rolname), format('%I is a member of it', min(r.role)),
         format('select pg_has_role(%L, %L, ''MEMBER'');  -- expected: f', min(r.role), k.rolname),
         format('revoke %I from %s;', k.rolname, string_agg(quote_ident(r.role), ', '))
    from pg_catalog.pg_roles k join pii_roles r on pg_has_role(r.oid, k.oid, 'MEMBER')
   where k.rolname in ('app_pii', 'pii_reader') and exists (select from pii_tables)
   group by k.rolname
  union all
  select 5, 'pii.tenant_keys', format('%I has a privilege on the keys of the tenants', min(r.role)),
         format(
             'select privilege from unnest(array[''SELECT'', ''INSERT'', ''UPDATE'', ''DELETE'']) as privilege where '
             'has_table_privilege(%L, ''pii.tenant_keys'', privilege);', min(r.role)),
         format('revoke all on table pii.tenant_keys from public, %s;',
                (select string_agg(quote_ident(r.role), ', ') from pii_roles r))
    from pii_tables t
    join pg_catalog.pg_class c on c.oid = to_regclass('pii.tenant_keys')
    join pii_roles r on has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')
      or has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE')
  having count(*) > 0
)
select f.object, 'fail' as outcome, f.fault as detail, f.evidence, f.fix, null::text as severity
  from pii_faults f
 union all
select t.relation, 'pass',
       case when t.phase in ('switched', 'retiring', 'retired')
            then format('no tenant role reads a protected column in clear, in phase %s', t.phase)
            else format('in phase %s, in which tenants read the table itself; nobody opens sealed values', t.phase) end,
       null, null, null
  from pii_tables t
 where not exists (select from pii_faults f where f.object = t.relation)
 union all
select 'pii.protected_tables', 'skipped', 'this login may not read which columns are protected: verify as the owner',
       null, null, null
  from pii_registry r
 where not r.readable
