-- code: H1101
-- name: premake-partitions
-- title: Tables partitioned by time have partitions for now and for the next two periods
-- severity: medium
-- kind: catalogue
-- uses: time_partitions, time_parents, tenant_roles
-- sources: https://www.postgresql.org/docs/current/ddl-partitioning.html
-- Where there is no partition a row is refused. A table whose partitions ended long ago is taken for one that nobody
-- writes to.
with ahead as materialized (
  select p.relation, p.key, p.key_type, p.partdefid, f.ends_at - f.starts_at as width, u.until,
         -- months are of different lengths, and a table by the year need not have the next one in January
         now() + least(2 * (f.ends_at - f.starts_at), '2 months') as wanted,
         coalesce(u.until, (select max(c.ends_at) from time_partitions c where c.parent = p.oid and c.ends_at <= now()))
           as goes_on,
         (select min(c.starts_at) from time_partitions c
           where c.parent = p.oid and c.starts_at > coalesce(u.until, now())) as next
    from time_parents p
   -- the length of the newest partition that has one
   cross join lateral (select c.starts_at, c.ends_at from time_partitions c
                        where c.parent = p.oid and isfinite(c.starts_at) and isfinite(c.ends_at)
                        order by c.ends_at desc limit 1) as f
   -- until when there is no gap, from now on
   cross join lateral (select (select upper(r) from unnest(range_agg(tstzrange(c.starts_at, c.ends_at))) as r
                                where r @> now()) as until, max(c.ends_at) as last
                         from time_partitions c where c.parent = p.oid) as u
   where u.last > now() - interval '100 days'
)
select a.relation as object,
       case when a.until >= a.wanted then 'pass' else 'fail' end as outcome,
       case when a.until >= a.wanted then format('partitions until %s', a.until)
            when a.until is null
            then format('no partition is for now: %s',
                        case when a.partdefid = 0 then 'rows are refused' else 'rows go to the DEFAULT partition' end)
            else format('partitions only until %s: %s', a.until,
                        case when a.partdefid = 0 then 'then rows are refused'
                             else 'then rows go to the DEFAULT partition' end) end as detail,
       format(
           'select c.relname, pg_get_expr(c.relpartbound, c.oid) from pg_inherits i join pg_class c on c.oid = '
           'i.inhrelid where i.inhparent = %L::regclass order by 2 desc;',
              a.relation) as evidence,
       -- up to the next that there is, or as far as is wanted
       case when a.until >= a.wanted then null
            else (
                select string_agg(
                    format(
                        E'create table %1$s (like %2$s including defaults including constraints including generated);\n'
                                           'revoke all on table %1$s from public%3$s;\nalter table %1$s enable row '
                                           'level security, force row level security;\n'
                                           'alter table %2$s attach partition %1$s for values from (%4$L) to (%5$L);',
                                           s.child, a.relation,
                                           (select string_agg(', ' || quote_ident(role), '') from tenant_roles),
                                           b.bounds[1], b.bounds[2]), E'\n' order by s.starts_at)
                    from (select format('%I.%I', n.nspname, left(k.relname, 40)
                                        || to_char(d at time zone 'UTC', '"_from_"YYYYMMDD') ||
                                          left(md5(d::text), 4)) as child,
                                 d as starts_at, least(lead(d) over (order by d), a.next, d + step.of) as ends_at
                            from pg_catalog.pg_class k
                            join pg_catalog.pg_namespace n on n.oid = k.relnamespace
                           cross join lateral (select case when a.width between '27 days' and '32 days'
                                                           then interval '1 month'
                                                           when a.width between '89 days' and '93 days'
                                                           then interval '3 months'
                                                           when a.width between '364 days' and '367 days'
                                                           then interval '1 year' else a.width end as of) as step
                           cross join lateral generate_series(
                             a.goes_on at time zone 'UTC',
                             least(a.wanted, a.next) at time zone 'UTC' - interval '1 microsecond', step.of) as g (at)
                           cross join lateral (select g.at at time zone 'UTC') as x (d)
                           where k.oid = a.relation::regclass
                           order by d limit 100) as s
                   cross join lateral (
                       select array_agg(case when a.key_type = 'pg_catalog.timestamptz'::regtype then x.at::text
                                             else (x.at at time zone 'UTC')::text end order by x.at) as bounds
                                         from unnest(array[s.starts_at, s.ends_at]) as x (at)) as b) end as fix,
       null::text as severity
  from ahead a
