-- code: H1102
-- name: refuse-out-of-range
-- title: Tables partitioned by time have no DEFAULT partition
-- severity: low
-- kind: catalogue
-- uses: time_parents
-- sources: https://www.postgresql.org/docs/current/sql-altertable.html
-- What no partition is for should be refused when it comes, not found when the partition that it belongs to cannot be
-- attached any more.
select p.relation as object,
       case when p.partdefid = 0 then 'pass' else 'fail' end as outcome,
       case when p.partdefid = 0 then 'rows that no partition is for are refused'
            when c.reltuples > 0
            then format(
                '%s has some %s rows: partitions for their time cannot be attached, and all others only after reading '
                'it', d.child, c.reltuples::bigint)
            else format('%s takes the rows that no partition is for, and keeps DETACH from running concurrently',
                        d.child) end as detail,
       case when p.partdefid <> 0 then format('select min(%1$I), max(%1$I), count(*) from only %2$s;', p.key,
                                              d.child) end as evidence,
       -- with rows in it they would be gone from the table: what they are has to be looked at first
       case when c.reltuples <= 0 then format('alter table %s detach partition %s;', p.relation, d.child) end as fix,
       null::text as severity
  from time_parents p
  left join pg_catalog.pg_class c on c.oid = p.partdefid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 cross join lateral (select format('%I.%I', n.nspname, c.relname) as child) as d
