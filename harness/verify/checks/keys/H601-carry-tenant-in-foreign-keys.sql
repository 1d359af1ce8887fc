-- code: H601
-- name: carry-tenant-in-foreign-keys
-- title: A foreign key between tenant tables carries the tenant column
-- severity: high
-- kind: catalogue
-- uses: tenant_roles, tenant_tables
-- sources: bypass catalogue row 40; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
with tenants as materialized (
  select k.oid, r.role from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
),
tables as materialized (
  select c.oid, t.relation, t.tenant_column, a.attnum, c.relname
    from tenant_tables t
    -- one row, of which the planner expects a thousand: it had better not loop
    cross join lateral regexp_split_to_table('', ',') as many
    join pg_catalog.pg_class c on c.oid = to_regclass(t.relation)
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = t.tenant_column
),
-- The copies that a partitioned table's key has on its partitions go with it.
keys as materialized (
  select k.oid, k.conname, k.conrelid, k.confrelid, k.conkey, k.confkey, k.confupdtype, k.confdeltype, k.condeferrable,
         k.condeferred,
         child.relation as child, parent.relation as parent, parent.relname as parent_name,
         child.attnum as child_attnum, parent.attnum as parent_attnum,
         child.tenant_column as child_column, parent.tenant_column as parent_column,
         coalesce(k.confkey[array_position(k.conkey, child.attnum)] = parent.attnum, false) as carried,
         parent.attnum = any (k.confkey) as names_tenant
    from pg_catalog.pg_constraint k
    join tables child on child.oid = k.conrelid
    join tables parent on parent.oid = k.confrelid
   where k.contype = 'f' and k.conparentid = 0
),
pairs as materialized (
  select k.*, p.names, p.foreign_names, p.guessable, p.matched
    from keys k
    left join lateral (
     select string_agg(quote_ident(a.attname), ', ' order by x.n) as names,
            string_agg(quote_ident(b.attname), ', ' order by x.n) as foreign_names,
            string_agg(format('c.%I = p.%I', a.attname, b.attname), ' and ' order by x.n) as matched,
            bool_and(b.atttypid <> 'uuid'::regtype) as guessable
       from unnest(k.conkey, k.confkey) with ordinality as x (here, there, n)
       join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.here
       join pg_catalog.pg_attribute b on b.attrelid = k.confrelid and b.attnum = x.there
      where not k.carried) as p on true
),
verdicts as materialized (
  select p.*, reach.role, reach.deletes,
         -- another key over the same columns that does carry it refuses what this one accepts
         not p.carried and exists (select from pg_catalog.pg_constraint o
                                    where o.conrelid = p.conrelid and o.contype = 'f' and o.confrelid = p.confrelid
                                      and o.conkey @> p.conkey
                                      and o.confkey[array_position(o.conkey, p.child_attnum)] = p.parent_attnum)
                                          as doubled,
         -- a policy that looks the referenced row up refuses a stranger's
         looked_up.policy
    from pairs p
    left join lateral (
      select t.role, has_table_privilege(t.oid, p.confrelid, 'DELETE') as deletes
        from tenants t
       where not p.carried
         and exists (select from unnest(p.conkey) as n
                      where has_column_privilege(t.oid, p.conrelid, n, 'INSERT')
                         or has_column_privilege(t.oid, p.conrelid, n, 'UPDATE'))
       order by 2 desc, t.role limit 1) as reach on true
    left join lateral (
      select min(y.polname) as policy
        from pg_catalog.pg_policy y
       where not p.carried and y.polrelid = p.conrelid and y.polcmd in ('*', 'a')
         and exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = y.oid
                       and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = p.confrelid)
         and exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = y.oid
                       and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = p.conrelid
                       and d.refobjsubid = any (p.conkey))
         -- one permissive policy beside it would let the row in
         and (not y.polpermissive
              or not exists (select from pg_catalog.pg_policy z
                              where z.polrelid = y.polrelid and z.polpermissive and z.polcmd in ('*', 'a')
                                and exists (select from tenants t, unnest(z.polroles) as r
                                             where r = 0 or pg_has_role(t.oid, r, 'USAGE'))
                                and not exists (select from pg_catalog.pg_depend d
                                                 where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = z.oid
                                                   and d.refclassid = 'pg_catalog.pg_class'::regclass
                                                   and d.refobjid = p.confrelid)))) as looked_up on true
)
select format('%s.%I', v.child, v.conname) as object,
       case when x.open then 'fail' else 'pass' end as outcome,
       case when v.carried then 'it carries the tenant column'
            when v.names_tenant then 'it refers to a tenant, not to one of its rows'
            when v.role is null then 'no tenant role can write its columns'
            when v.doubled then 'another foreign key over the same columns carries the tenant column'
            when v.policy is not null then format('policy %I looks the referenced row up', v.policy)
            else format(
                '%I can make a row refer to another tenant''s row of %s: keys are looked up past row security, %s',
                v.role, v.parent,
                        case v.confdeltype when 'c' then 'and deleting that row deletes this one (ON DELETE CASCADE)'
                                           when 'n' then 'and deleting that row changes this one (ON DELETE SET NULL)'
                                           when 'd'
                                           then 'and deleting that row changes this one (ON DELETE SET DEFAULT)'
                                           else 'which tells whether that row exists and keeps its owner from deleting '
                                                'it' end) end as detail,
       case when x.open
            then format(
                E'select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = %L::regclass and '
                 'conname = %L;\n'
              '-- rows that refer to another tenant already; expected: 0\nselect count(*) from %s c join %s p on %s '
              'where c.%I is distinct from p.%I;',
              v.child, v.conname, v.child, v.parent, v.matched, v.child_column, v.parent_column) end as evidence,
       case when x.open then concat_ws(E'\n',
         case when not exists (select from pg_catalog.pg_index i
                                where i.indrelid = v.confrelid and i.indisunique and i.indimmediate
                                  and i.indpred is null and i.indexprs is null
                                  and i.indnkeyatts = cardinality(v.confkey) + 1
                                  and (select array_agg(x order by x)
                                         from unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) as x)
                                      = (select array_agg(x order by x) from unnest(v.confkey || v.parent_attnum) as x))
              then format('create unique index if not exists %I on %s (%I, %s);', left(v.parent_name, 40) || '_' ||
                          left(md5(v.foreign_names), 8) || '_key', v.parent, v.parent_column, v.foreign_names) end,
         format(
             'alter table %s drop constraint %I, add constraint %I foreign key (%I, %s) references %s (%I, %s)%s%s%s;',
             v.child, v.conname, v.conname,
                v.child_column, v.names, v.parent, v.parent_column, v.foreign_names,
                case v.confupdtype when 'c' then ' on update cascade' when 'n' then ' on update set null'
                     when 'd' then ' on update set default' when 'r' then ' on update restrict' end,
                case v.confdeltype when 'c' then ' on delete cascade' when 'r' then ' on delete restrict'
                     -- the tenant column has to stay; PostgreSQL 14 can't leave it out
                     when 'n'
                     then case when current_setting('server_version_num')::int >= 150000
                               then format(' on delete set null (%s)', v.names) end
                     when 'd'
                     then case when current_setting('server_version_num')::int >= 150000
                               then format(' on delete set default (%s)', v.names) end end,
                case when v.condeferred then ' deferrable initially deferred'
                     when v.condeferrable then ' deferrable' end)) end as fix,
       -- a uuid has to be known first; a number is counted up to
       case when v.confdeltype in ('c', 'n', 'd') and v.guessable and v.deletes then 'critical'
            when v.confdeltype in ('c', 'n', 'd') or v.guessable then 'high'
            else 'medium' end as severity
  from verdicts v
 cross join lateral (select not v.carried and not v.names_tenant and v.role is not null and not v.doubled
                     and v.policy is null as open) as x
