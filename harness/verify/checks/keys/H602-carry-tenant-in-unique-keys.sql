-- code: H602
-- name: carry-tenant-in-unique-keys
-- title: A key that a tenant can choose is unique within the tenant
-- severity: medium
-- kind: catalogue
-- uses: tenant_roles, tenant_tables
-- sources: bypass catalogue row 41; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
with tenants as materialized (
  select k.oid, r.role from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
),
tables as materialized (
  select c.oid, t.relation, array_agg(a.attnum) as tenant_columns, min(t.tenant_column) as tenant_column
    from tenant_tables t
    -- one row, of which the planner expects a thousand: it had better not loop
    cross join lateral regexp_split_to_table('', ',') as many
    join pg_catalog.pg_class c on c.oid = to_regclass(t.relation)
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = t.tenant_column
   group by c.oid, t.relation
),
-- What nobody guesses: uuids, what a sequence or a volatile default makes, and references to such.
random as materialized (
  select a.attrelid, a.attnum
    from tables t
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.atttypid = 'uuid'::regtype or a.attidentity <> ''
      or d.adbin is not null
     and exists (select from regexp_matches(d.adbin::text, ':(?:funcid|opfuncid) (\d+) ', 'g') as f (id)
                   join pg_catalog.pg_proc p on p.oid = f.id[1]::oid where p.provolatile = 'v')
      -- a moment is met by chance
      or a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype)
),
guarded as materialized (
  select g.attrelid, array_agg(g.attnum) as columns
    from (select attrelid, attnum from random
          union
          select k.conrelid, x.here
            from pg_catalog.pg_constraint k
           cross join lateral unnest(k.conkey, k.confkey) as x (here, there)
            join random r on r.attrelid = k.confrelid and r.attnum = x.there
           where k.contype = 'f') as g
   group by g.attrelid
),
-- The indexes of a partitioned table stand for those of its partitions.
keys as materialized (
  select i.indexrelid, i.indrelid, t.relation, t.tenant_column, t.tenant_columns, x.relname, n.nspname, i.indisprimary,
         k.conname, k.contype, k.oid as constraint_oid,
         array_remove((i.indkey::int2[])[0:i.indnkeyatts - 1], 0::int2) as columns,
         -- of expressions, the columns that they are made of
         array(select m.n[1]::int2
                 from regexp_matches(i.indexprs::text, '\{VAR :varno 1 :varattno (\d+) ', 'g') as m (n))
                      as inner_columns
    from tables t
    join pg_catalog.pg_index i on i.indrelid = t.oid
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = x.relnamespace
    left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid
     and k.contype in ('p', 'u', 'x')
   where (i.indisunique or i.indisexclusion) and not x.relispartition
),
verdicts as materialized (
  select k.*, coalesce(g.columns && (k.columns || k.inner_columns), false) as unguessable,
         -- one row per tenant: a name of tenants themselves has to be unique among them
         exists (select from pg_catalog.pg_index o
                  where o.indrelid = k.indrelid and o.indisunique and o.indpred is null and o.indexprs is null
                    and o.indnkeyatts = 1 and o.indkey[0] = any (k.tenant_columns)) as registry,
         (select min(t.role) from tenants t
           where exists (select from unnest(k.columns || k.inner_columns) as c
                          where has_column_privilege(t.oid, k.indrelid, c, 'INSERT')
                             or has_column_privilege(t.oid, k.indrelid, c, 'UPDATE'))) as role,
         (select count(*) = 1 and bool_and(a.attname ~* '^(?:u|gu|uu)?id$|_id$|[a-z]Id$') from pg_catalog.pg_attribute a
           where a.attrelid = k.indrelid and a.attnum = any (k.columns || k.inner_columns)) as surrogate,
         (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
           where a.attrelid = k.indrelid and a.attnum = any (k.columns || k.inner_columns)) as names
    from keys k
    left join guarded g on g.attrelid = k.indrelid
   where not (k.columns && k.tenant_columns or k.inner_columns && k.tenant_columns)
)
select format('%s.%I', v.relation, coalesce(v.conname, v.relname)) as object,
       case when v.unguessable or v.registry or v.role is null then 'pass' else 'fail' end as outcome,
       case when v.unguessable then 'its values can''t be guessed'
            when v.registry then 'it names tenants, who have to be told apart'
            when v.role is null then 'no tenant role can write its columns'
            else format(
                'by writing %s, %I learns which values other tenants have: a value of theirs is refused (%s), or '
                'skipped by ON CONFLICT', v.names, v.role,
                case v.contype when 'x' then '23P01' else '23505' end) end as detail,
       case when v.role is not null
            then format(
                E'select pg_get_indexdef(%L::regclass);\n-- any row of another tenant in it: in the context of one '
                 'that does not see it, the same values answer %s\nselect %s from %s limit 1;',
                        format('%I.%I', v.nspname, v.relname), case v.contype when 'x' then '23P01' else '23505' end,
                        v.names, v.relation) end as evidence,
       case when v.constraint_oid is not null
            then format('alter table %s drop constraint %I, add constraint %I %s;', v.relation, v.conname, v.conname,
                        regexp_replace(pg_get_constraintdef(v.constraint_oid),
                                       '^((?:UNIQUE|PRIMARY KEY|EXCLUDE USING \w+)[^(]*\()',
                                       '\1' || replace(quote_ident(v.tenant_column), '\', '\\')
                                         || case v.contype when 'x' then ' WITH =' else '' end || ', '))
            else format(E'drop index %I.%I;\n%s;', v.nspname, v.relname,
                        regexp_replace(regexp_replace(pg_get_indexdef(v.indexrelid), '( USING \w+ \()',
                                                      '\1' || replace(quote_ident(v.tenant_column), '\', '\\') || ', '),
                                                      ' ON ONLY ', ' ON ')) end as fix,
       -- a number or text that programs give out tells that a row exists, and no more
       case when v.indisprimary and v.surrogate then 'low' end as severity
  from verdicts v
union all
select format('%s.%I', k.relation, coalesce(k.conname, k.relname)), 'pass', 'it carries the tenant column', null,
       null, null
  from keys k
 where k.columns && k.tenant_columns or k.inner_columns && k.tenant_columns
