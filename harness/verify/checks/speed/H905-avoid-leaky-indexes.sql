-- code: H905
-- name: avoid-leaky-indexes
-- title: Tenants' searches can use the indexes that are made for them
-- severity: low
-- kind: catalogue
-- uses: policies
-- sources: measured, see the page; https://www.postgresql.org/docs/current/rules-privileges.html;
--   https://www.postgresql.org/docs/current/sql-createfunction.html
-- The policies that a tenant role meets, each with what it belongs to.
with secured as materialized (
  select p.polrelid, p.relation, p.tenant_column from policies p where p.tenant_column is not null
   group by p.polrelid, p.relation, p.tenant_column
),
-- Row security lets a condition near a row before the policies have spoken only if its function is LEAKPROOF, and an
-- index is nearer still.
keys as materialized (
  select s.relation, s.tenant_column, i.indexrelid, n.nspname, x.relname as name, m.amname, k.position, a.atttypid,
         a.atttypmod, o.opcname, i.indnkeyatts,
         case when i.indkey[k.position - 1] = 0 and (select bool_or(not f.proleakproof)
                                                       from regexp_matches(i.indexprs::text, ':(?:func|opfunc)id (\d+)',
                                                                           'g') as g (id)
                                                       join pg_catalog.pg_proc f on f.oid = g.id[1]::oid)
              then format('%s is not computed by LEAKPROOF functions alone',
                          pg_get_indexdef(i.indexrelid, k.position, true))
              when o.opcname like '%pattern\_ops' then 'LIKE is not LEAKPROOF'
              when m.amname not in ('btree', 'hash')
               and not exists (select from pg_catalog.pg_amop p
                                 join pg_catalog.pg_operator q on q.oid = p.amopopr
                                 join pg_catalog.pg_proc f on f.oid = q.oprcode
                                where p.amopfamily = o.opcfamily and p.amoplefttype = o.opcintype and f.proleakproof)
              then format('no operator of %I is LEAKPROOF', o.opcname) end as leak
    from secured s
    join pg_catalog.pg_index i on i.indrelid = s.polrelid and i.indisvalid and not i.indisunique
     and not i.indisexclusion
    join pg_catalog.pg_class x on x.oid = i.indexrelid and not x.relispartition
    join pg_catalog.pg_namespace n on n.oid = x.relnamespace
    join pg_catalog.pg_am m on m.oid = x.relam
   cross join lateral generate_series(1, i.indnkeyatts) as k (position)
    join pg_catalog.pg_opclass o on o.oid = i.indclass[k.position - 1]
    join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid and a.attnum = k.position
)
select format('%I.%I', k.nspname, k.name) as object,
       case when count(k.leak) > 0 then 'fail' else 'pass' end as outcome,
       case when count(k.leak) > 0 then format('row security on %s keeps tenants'' searches from using it: %s',
                                               k.relation, string_agg(k.leak, '; ' order by k.position))
            else 'its operators are LEAKPROOF' end as detail,
       format('select pg_get_indexdef(%L::regclass);', format('%I.%I', k.nspname, k.name)) as evidence,
       case when k.amname = 'btree' and count(*) filter (where k.leak = 'LIKE is not LEAKPROOF') = count(k.leak)
            then format(E'create index on %s (%s);  -- and search with ^@ instead of LIKE\ndrop index %I.%I;',
                        k.relation,
                        string_agg(pg_get_indexdef(k.indexrelid, k.position, true)
                                   || case when k.leak is not null then ' collate "C"' else '' end, ', '
                                     order by k.position), k.nspname, k.name)
            when k.amname = 'btree'
            then string_agg(format('alter table %s add column %I %s generated always as (%s) stored;',
                                   k.relation, left(k.name, 55) || '_' || k.position,
                                   format_type(k.atttypid, k.atttypmod),
                                   pg_get_indexdef(k.indexrelid, k.position, true)), E'\n'
                                     order by k.position) filter (where k.leak is not null)
                 || format(E'\ncreate index on %s (%s);  -- and search by the new column\ndrop index %I.%I;',
                           k.relation,
                           string_agg(case when k.leak is null then pg_get_indexdef(k.indexrelid, k.position, true)
                                           else quote_ident(left(k.name, 55) || '_' || k.position) end, ', '
                                                order by k.position), k.nspname, k.name)
            else format(
                E'-- such a search needs a function of a role that reads all rows and filters by tenant itself; until '
                 'then this index is only a cost\ndrop index %I.%I;', k.nspname, k.name) end as fix,
       null::text as severity
  from keys k
 group by k.relation, k.indexrelid, k.nspname, k.name, k.amname
