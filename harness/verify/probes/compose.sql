-- What there is to ask of each tenant role and table, as statements that verify/probes/look.sql runs as that role. It
-- reads the catalogue and evaluates nothing. $1: {roles, tables: [{oid, relation, tenantColumn, type, own, other,
-- member}]}. One row per role and table.
with model as materialized (
  select $1::jsonb as model
),
wanted_tables as materialized (
  select t.oid::oid as oid, t.relation, t."tenantColumn" as tenant_column, t.own, t.other, t.member
    from model,
         jsonb_to_recordset(model -> 'tables') as t (oid text, relation text, "tenantColumn" text, own text, other text,
                                                     member text)
),
roles as materialized (
  select k.oid, k.rolname as role, r.place, k.rolsuper or k.rolbypassrls as exempt
    from model
   cross join jsonb_array_elements_text(model -> 'roles') with ordinality as r (name, place)
    join pg_catalog.pg_roles k on k.rolname = r.name
),
-- Even printing a policy waits for whoever holds this lock, and all other tables would wait with it.
barred as materialized (
  select distinct l.relation as oid
    from pg_catalog.pg_locks l
   where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.granted and l.pid <> pg_backend_pid()
     and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
),
-- Policies that were parsed to the same tree, and look at no column but the tenant's, read the same on every table:
-- print them once.
held as materialized (
  select p.oid, p.polqual::text as using_tree, p.polwithcheck::text as check_tree, a.attname,
         -- another column of the table, or the row as a whole?
         exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = p.polrelid
                    and d.refobjsubid not in (0, a.attnum))
           or concat(p.polqual::text, p.polwithcheck::text) like '%:varattno 0 %' as wide
    from wanted_tables t
    join pg_catalog.pg_policy p on p.polrelid = t.oid and p.polrelid not in (select b.oid from barred b)
    join pg_catalog.pg_attribute a on a.attrelid = p.polrelid and a.attname = t.tenant_column
),
printed as materialized (
  select g.wide, g.oids, coalesce(x.using_text, 'true') as visible_if,
         coalesce(x.check_text, x.using_text, 'true') as writable_if
    from (select min(oid) as oid, wide, array_agg(oid) as oids from held
           group by using_tree, check_tree, attname, wide, case when wide then oid end) as g
    join pg_catalog.pg_policy p on p.oid = g.oid
   cross join lateral (select pg_get_expr(p.polqual, p.polrelid) as using_text,
                       pg_get_expr(p.polwithcheck, p.polrelid) as check_text offset 0) as x
),
said as materialized (
  select unnest(oids) as oid, wide, visible_if, writable_if from printed
),
wanted as materialized (
  select r.oid as role_oid, r.role, r.place as role_place, w.*, k.relname, k.relkind, k.relhastriggers, k.relhasrules,
         a.attnum as tenant_attnum,
         k.relrowsecurity and not r.exempt
           and (k.relforcerowsecurity or not pg_has_role(r.oid, k.relowner, 'USAGE')) as active,
         -- the tenant's type, if all that can be said of a value is said by it
         case when a.attcollation = y.typcollation then format_type(a.atttypid, a.atttypmod) end as type,
         k.oid in (select b.oid from barred b) as locked,
         array_remove(array[case when has_any_column_privilege(r.oid, k.oid, 'SELECT') then 'select' end,
                            case when has_column_privilege(r.oid, k.oid, a.attnum, 'INSERT') then 'insert' end,
                            case when has_any_column_privilege(r.oid, k.oid, 'UPDATE') then 'update' end,
                            case when has_column_privilege(r.oid, k.oid, a.attnum, 'UPDATE') then 'move' end,
                            case when has_table_privilege(r.oid, k.oid, 'DELETE') then 'delete' end,
                            case when has_table_privilege(r.oid, k.oid, 'TRUNCATE') then 'truncate' end],
                            null) as powers,
         has_any_column_privilege(r.oid, k.oid, 'INSERT') as fills
    from wanted_tables w
    join pg_catalog.pg_class k on k.oid = w.oid
    join pg_catalog.pg_attribute a on a.attrelid = k.oid and a.attname = w.tenant_column and not a.attisdropped
    join pg_catalog.pg_type y on y.oid = a.atttypid
   cross join roles r
),
holders as materialized (
  select r.oid as role_oid, h.oid as held from roles r join pg_catalog.pg_roles h on pg_has_role(r.oid, h.oid, 'USAGE')
),
policies as materialized (
  select w.role_oid, p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, x.visible_if, x.writable_if, x.wide
    from said x
    join pg_catalog.pg_policy p on p.oid = x.oid
    join wanted w on w.oid = p.polrelid and w.active
   where 0::oid = any (p.polroles)
      or exists (select from holders h where h.role_oid = w.role_oid and h.held = any (p.polroles))
),
-- What the server will apply, composed as it composes: permissive policies are OR-ed, restrictive ones AND-ed, per
-- command, of the policies that name this role, a role it inherits from, or PUBLIC. No permissive policy: nothing.
composed as materialized (
  select w.role_oid, w.oid, c.command, coalesce(bool_or(p.wide), false) as wide,
         case when w.active then
           '('
             || coalesce(string_agg('(' || e.expression || ')', ' or '
                                    order by p.polname) filter (where p.polpermissive), 'false') || ')'
           || coalesce(string_agg(' and (' || e.expression || ')', ''
                                  order by p.polname) filter (where not p.polpermissive), '')
         else 'true' end as predicate
    from wanted w
   cross join (values ('select', 'r', false), ('insert', 'a', true), ('update', 'w', false), ('move', 'w', true),
               ('delete', 'd', false))
         as c (command, polcmd, checked)
    left join policies p on p.role_oid = w.role_oid and p.polrelid = w.oid and p.polcmd in ('*', c.polcmd)
   cross join lateral (select case when c.checked then p.writable_if else p.visible_if end as expression) as e
   group by w.role_oid, w.oid, w.active, c.command
),
-- Most tables have one predicate for all commands: evaluate it once.
numbered as (
  select role_oid, oid, command, predicate, wide,
         dense_rank() over (partition by role_oid, oid order by predicate) as position,
         row_number() over (partition by role_oid, oid, predicate order by command) = 1 as first
    from composed
),
predicates as materialized (
  select role_oid, oid, jsonb_object_agg(command, position) as positions, bool_or(wide) as wide,
         string_agg(format('(%s)::pg_catalog.bool', predicate), ', ' order by position) filter (where first)
           as expressions
    from numbered
   group by role_oid, oid
),
-- Each permissive policy by itself: one that lets strangers in is held back by nothing but the floor.
single as materialized (
  select role_oid, polrelid, jsonb_agg(polname order by polname, checked) as names,
         string_agg(format('(%s)::pg_catalog.bool', case when checked then writable_if else visible_if end), ', '
                    order by polname, checked) as expressions
    from policies
   cross join (values (true), (false)) as c (checked)
   where polpermissive and (polcmd = '*' or (polcmd <> 'a' and not checked) or (polcmd in ('a', 'w') and checked))
   group by role_oid, polrelid
),
-- A policy may name what the role could not: its schema was looked up when the policy was made.
out_of_reach as materialized (
  select distinct p.role_oid, p.polrelid as oid
    from policies p
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
     and d.refclassid = 'pg_catalog.pg_proc'::regclass
    join pg_catalog.pg_proc f on f.oid = d.refobjid
   where f.oid >= 16384 and not has_schema_privilege(p.role_oid, f.pronamespace, 'USAGE')
),
-- Where storing a row calls functions of the database beside its policies: constraints, expressions of indexes and of
-- generated columns, the key of partitions, domains. What they do to a sequence no rollback undoes.
calling as materialized (
  select distinct t.root as oid
    from (select w.oid as root, coalesce(p.relid, w.oid)::oid as oid
            from (select distinct oid, relkind from wanted) as w
            left join lateral pg_partition_tree(w.oid) as p on w.relkind = 'p') as t
   where exists (select from pg_catalog.pg_depend d
                  where d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid >= 16384
                    and (d.classid = 'pg_catalog.pg_constraint'::regclass
                         and d.objid in (select c.oid from pg_catalog.pg_constraint c where c.conrelid = t.oid)
                      or d.classid = 'pg_catalog.pg_class'::regclass
                         and (d.objid = t.oid
                              or d.objid in (select i.indexrelid from pg_catalog.pg_index i where i.indrelid = t.oid))
                      or d.classid = 'pg_catalog.pg_attrdef'::regclass
                         and d.objid in (select f.oid from pg_catalog.pg_attrdef f
                                           join pg_catalog.pg_attribute a on a.attrelid = f.adrelid
                                            and a.attnum = f.adnum
                                          where f.adrelid = t.oid and a.attgenerated <> '')))
      or exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type y on y.oid = a.atttypid
                  where a.attrelid = t.oid and a.attnum > 0 and y.typtype = 'd'
                    and exists (select from pg_catalog.pg_constraint c where c.contypid = y.oid))
      -- BEFORE triggers run before anything is refused
      or exists (select from pg_catalog.pg_trigger g
                  where g.tgrelid = t.oid and g.tgtype & 6 = 6 and g.tgenabled <> 'D' and not g.tgisinternal)
),
-- A stranger's row: every column by name, so that none falls back to its default; generated ones can't be named. What
-- is returned asks for a setting that nobody has: a row that was let through is stopped before AFTER triggers and
-- foreign keys look at it.
offered as materialized (
  select w.role_oid, w.oid,
         format(
             'insert into %s (%s) overriding system value values (%s) returning pg_catalog.current_setting(%L || '
             'pg_catalog.pg_backend_pid()::pg_catalog.text)', w.relation,
                string_agg(quote_ident(a.attname), ', ' order by a.attnum),
                string_agg(case when a.attname = w.tenant_column then quote_nullable(w.other) else 'null' end, ', '
                           order by a.attnum), 'harness.stored_') as put
    from wanted w
    join pg_catalog.pg_attribute a on a.attrelid = w.oid
   where 'insert' = any (w.powers) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and has_column_privilege(w.role_oid, a.attrelid, a.attnum, 'INSERT')
     and w.oid not in (select c.oid from calling c)
     and not (w.relhasrules
              and (select count(*) > 0 from pg_catalog.pg_rewrite u where u.ev_class = w.oid and u.ev_type = '3'))
   group by w.role_oid, w.oid, w.relation
),
described as materialized (
  select w.*, p.positions, p.expressions, s.names, s.expressions as single, f.put,
         row_number() over (partition by w.role_oid order by w.relation) as place,
         exists (select from out_of_reach o where o.role_oid = w.role_oid and o.oid = w.oid) as beyond,
         -- Made-up rows of our own tenant, of another, and of one that the context's member belongs to: the tenant
         -- column alone if nothing else is looked at, the whole table's if anything is.
         x.whole, case when x.whole
           then format('pg_catalog.jsonb_populate_recordset(null::%s, %L)', w.relation,
                       jsonb_build_array(jsonb_build_object(w.tenant_column, w.own),
                                         jsonb_build_object(w.tenant_column, w.other),
                                         jsonb_build_object(w.tenant_column, w.member)))
           else format('(values (%L::%s), (%L), (%L))', w.own, w.type, w.other, w.member) end as made_up
    from wanted w
    join predicates p on p.role_oid = w.role_oid and p.oid = w.oid
    -- full, because the planner takes them for small and would loop
    full join single s on s.role_oid = w.role_oid and s.polrelid = w.oid
    full join offered f on f.role_oid = w.role_oid and f.oid = w.oid
   cross join lateral (select p.wide or w.type is null as whole) as x
)
select d.role, d.relation, d.place::int as place, d.locked, d.beyond, d.put, d.names,
       jsonb_build_object('kind', d.relkind, 'active', d.active)
         || (select jsonb_object_agg(c, c = any (d.powers))
               from unnest(array['select', 'insert', 'update', 'move', 'delete', 'truncate']) as c) as facts,
       -- Each role has statements of its own, since its policies are its own.
       format('harness_%s_%s', d.role_oid, d.oid) as statement,
       'select' = any (d.powers) as readable,
       case when d.powers <> '{}'
            or d.fills then format('select pg_catalog.array_agg(array[%s]) from %s', d.expressions, y.source) end
               as judge,
       case when d.single is not null then format('select pg_catalog.array_agg(array[%s]) from %s', d.single,
                                                  y.source) end as alone,
       (first_value(d.place) over (partition by d.role_oid, d.made_up, d.expressions, d.single, d.positions, d.powers,
                                   d.fills, d.names, d.tenant_column, d.locked, d.beyond
                                  order by d.place))::int as leader,
       (select jsonb_object_agg(c.key, c.value) from jsonb_each(d.positions) as c where c.key = any (d.powers))
         as positions,
       case when 'move' = any (d.powers) then format('update %s set %I = %L', d.relation, d.tenant_column, d.own) end
         as take,
       case when 'delete' = any (d.powers) then format('delete from %s', d.relation) end as wipe
  from described d
 cross join lateral (select d.made_up || format(case when d.whole then ' as %I' else ' as %I (%I)' end, d.relname,
                                                d.tenant_column) as source) as y
 order by d.role_place, d.place
