-- uses: partition_bounds, own_policies
-- Every table that is partitioned by range of one date, timestamp or timestamptz, as one JSON document. Reads the
-- catalogue (and of a DEFAULT partition whether it has a row), and needs none of policies/partitions/.
-- managed: the rows of partitions.managed as JSON, if there are any. older_than: an interval that counts instead of
-- each retention.
with recursive settings as (
  select m.* from jsonb_to_recordset(:'managed'::jsonb) as m (
    parent oid, period text, time_zone text, premake integer, retention interval, expired text, archive_schema text)
),
units (period, step) as (
  values ('day', interval '1 day'), ('week', interval '7 days'), ('month', interval '1 month'),
         ('quarter', interval '3 months'), ('year', interval '1 year')
),
parents as materialized (
  select c.oid as parent, format('%I.%I', n.nspname, c.relname) as name, c.relowner, c.relrowsecurity, c.relispartition,
         a.attname as key, o.opcintype::regtype as type
    from pg_catalog.pg_partitioned_table as p
    join pg_catalog.pg_class as c on c.oid = p.partrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = p.partattrs[0] and a.attnum > 0
    join pg_catalog.pg_opclass as o on o.oid = p.partclass[0]
   where p.partstrat = 'r' and p.partnatts = 1 and c.relpersistence <> 't'
     and n.nspname !~ '^partitions_[0-9]+_new$' -- what a conversion fills, and nobody sees yet
     and o.opcintype in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
),
children as materialized (
  select b.*, format('%I.%I', n.nspname, c.relname) as name
    from parents as p
    join partition_bounds as b on b.parent = p.parent
    join pg_catalog.pg_class as c on c.oid = b.child
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
),
-- What is below, of any depth: each with the child that it belongs to.
descendants as (
  select c.parent, c.child, c.child as relation from children as c
   union all
  select d.parent, d.child, i.inhrelid from descendants as d
    join pg_catalog.pg_inherits as i on i.inhparent = d.relation
),
sizes as materialized (
  select d.parent, d.child, sum(greatest(c.reltuples, 0))::bigint as rows,
         sum(pg_catalog.pg_total_relation_size(c.oid))::bigint as bytes
    from descendants as d join pg_catalog.pg_class as c on c.oid = d.relation
   group by d.parent, d.child
),
-- A table that is a partition itself has to cover no more than its own bounds.
ancestry as (
  select p.parent, p.parent as node, p.key from parents as p where p.relispartition
   union all
  select a.parent, i.inhparent, a.key from ancestry as a join pg_catalog.pg_inherits as i on i.inhrelid = a.node
),
windows as (
  select a.parent, tstzrange(max(c.starts_at), min(c.ends_at)) as range
    from ancestry as a join children as c on c.child = a.node join parents as p on p.parent = c.parent and p.key = a.key
   where not c.is_default
   group by a.parent
),
zones as (
  select 'UTC' as zone, 1 as place union all select s.reset_val, 2 from pg_catalog.pg_settings as s
                                              where s.name = 'TimeZone' and s.reset_val <> 'UTC'
),
newest as (
  select c.*, p.type, row_number() over (partition by c.parent order by c.ends_at desc) as place
    from children as c join parents as p using (parent)
   where not c.is_default and isfinite(c.starts_at) and isfinite(c.ends_at)
),
-- The period that most of the newest six have.
inferred as (
  select distinct on (n.parent) n.parent, u.period, z.zone
    from newest as n cross join units as u join zones as z on z.place = 1 or n.type = 'timestamptz'::regtype
   where n.place <= 6
   group by n.parent, u.period, z.zone, z.place
  having 2 * count(*) filter (
           where date_trunc(u.period, n.starts_at at time zone z.zone) = n.starts_at at time zone z.zone
             and n.starts_at at time zone z.zone + u.step = n.ends_at at time zone z.zone) > count(*)
   order by n.parent, z.place
),
-- Where none of the zones fits, but some zone would: bounds within a day's turn of those of the period, and as far
-- apart.
likely as (
  select distinct on (n.parent) n.parent, u.period
    from newest as n cross join units as u
   where n.place <= 6 and n.type = 'timestamptz'::regtype
   group by n.parent, u.period, u.step
  having bool_and(
           abs(extract(epoch from n.starts_at at time zone 'UTC'
                         - date_trunc(u.period, n.starts_at at time zone 'UTC' + interval '14 hours'))) <= 14 * 3600
           and abs(extract(epoch from date_trunc(u.period, n.starts_at at time zone 'UTC' + interval '14 hours')
                             + u.step - n.ends_at at time zone 'UTC')) <= 14 * 3600
           and abs(extract(epoch from n.starts_at at time zone 'UTC' + u.step - n.ends_at at time zone 'UTC'))
               <= 4 * 86400)
   order by n.parent, u.step desc
),
-- How each relation is isolated.
isolation as (
  select c.oid as relation, c.relkind, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
         (select jsonb_agg(to_jsonb(p) - 'relation' order by p.name) from own_policies as p
           where p.relation = c.oid) as policies,
         coalesce((
           select array_agg(distinct format('%s %s', g.grantee, g.privilege_type))
             from (select c.relacl as acl union all
                   select a.attacl from pg_catalog.pg_attribute as a
                    where a.attrelid = c.oid and a.attacl is not null) as acls,
                  aclexplode(acls.acl) as g
            where g.grantee <> c.relowner), '{}') as grants
    from pg_catalog.pg_class as c
   where c.oid in (select parent from parents union select relation from descendants)
),
differing as (
  select d.parent, d.relation::regclass as child, format('%I.%I', n.nspname, c.relname) as name, array_remove(array[
           case when below.relkind in ('r', 'p')
                and (above.enabled, above.forced) is distinct from (below.enabled, below.forced)
                then 'row security' end,
           case when below.relkind in ('r', 'p') and above.policies is distinct from below.policies then 'policies' end,
           -- Without row security a partition may be as open as its parent, and no more.
           case when case when above.enabled then below.grants <> '{}' else not below.grants <@ above.grants end
                then 'privileges' end], null) as what
    from descendants as d
    join isolation as above on above.relation = d.parent
    join isolation as below on below.relation = d.relation
    join pg_catalog.pg_class as c on c.oid = d.relation
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
),
defaults as (
  select c.parent, c.name,
         case
           when s.bytes = 0 or not exists (
             select from descendants as d
              where d.child = c.child and d.parent = c.parent and pg_catalog.pg_relation_size(d.relation) > 0)
              then false
           when not has_table_privilege(c.child, 'select') or row_security_active(c.child) then null
           else query_to_xml(format('select 1 from %s limit 1', c.name), true, true, '')::text <> ''
         end as has_rows
    from children as c join sizes as s using (parent, child)
   where c.is_default
),
facts as (
  select p.*, s.parent is not null as managed, coalesce(s.period, i.period) as period, 
         case when p.type = 'timestamptz'::regtype then coalesce(s.time_zone, i.zone, 'UTC') else 'UTC' end as zone,
         y.period as likely_period,
         (select m.ends_at - m.starts_at from newest as m where m.parent = p.parent and m.place = 1) as width,
         s.premake, s.retention, s.expired, s.archive_schema,
         coalesce(w.range, tstzrange('-infinity', 'infinity')) as own,
         coalesce((select range_agg(tstzrange(c.starts_at, c.ends_at)) from children as c
                    where c.parent = p.parent and not c.is_default), '{}') as covered
    from parents as p
    left join settings as s using (parent)
    left join inferred as i using (parent)
    left join likely as y using (parent)
    left join windows as w using (parent)
),
ahead as (
  select f.*, u.step, upper(here.range) as covered_upto,
         -- Without a period: so many partitions.
         case when f.period is null and isfinite(upper(here.range)) then (
           select count(*) from children as c
            where c.parent = f.parent and not c.is_default and c.starts_at > now() and c.ends_at <= upper(here.range))
         when isfinite(upper(here.range)) then (
           select count(*)
             from generate_series(date_trunc(f.period, now() at time zone f.zone) + u.step,
                                  least(upper(here.range), now() + 1000 * u.step) at time zone f.zone - u.step,
                                  u.step)) end as periods_left
    from facts as f
    left join units as u on u.period = f.period
    left join lateral (select r as range from unnest(f.covered) as r where r @> now()) as here on true
),
judged as (
  select a.*,
         coalesce((select json_agg(json_build_object('from', lower(g), 'upto', upper(g)) order by g)
            from unnest(tstzmultirange(tstzrange(lower(a.covered), upper(a.covered))) - a.covered) as g
           where not isempty(a.covered)), '[]') as gaps,
         coalesce((select json_agg(json_build_object('child', d.name, 'what', d.what) order by d.name)
            from differing as d where d.parent = a.parent and d.what <> '{}'), '[]') as differing,
         coalesce((select json_agg(c.name order by c.name) from children as c
                    where c.parent = a.parent and c.detaching), '[]') as detaching,
         coalesce((
           select json_agg(json_build_object('child', c.name, 'from', c.starts_at, 'upto', c.ends_at, 'rows',
                                             s.rows, 'bytes', s.bytes) order by c.ends_at)
             from children as c join sizes as s using (parent, child)
            where c.parent = a.parent and not c.is_default
              and c.ends_at
                  <= (now() at time zone a.zone - coalesce(nullif(:'older_than', '')::interval,
                                                           a.retention)) at time zone a.zone),
                                                           '[]') as expired_children,
         coalesce((
           select json_agg(json_build_object('from', lower(piece), 'upto', upper(piece)) order by piece)
             from generate_series(date_trunc(a.period, now() at time zone a.zone),
                                  date_trunc(a.period, now() at time zone a.zone) + coalesce(a.premake, 3) * a.step,
                                  a.step) as l (local_time)
            cross join lateral unnest(
              tstzmultirange(tstzrange(l.local_time at time zone a.zone,
                                       (l.local_time + a.step) at time zone a.zone)) * tstzmultirange(
                                           a.own) - a.covered) as piece
            where a.managed), '[]') as missing,
         (select json_build_object('child', d.name, 'hasRows', d.has_rows) from defaults as d
           where d.parent = a.parent) as default_partition
    from ahead as a
)
select coalesce(json_agg(json_build_object(
         'table', j.name, 'key', j.key, 'type', j.type::text, 'managed', j.managed, 'period', j.period, 'likelyPeriod',
         case when j.period is null then j.likely_period end, 'timeZone', j.zone, 'premake', j.premake,
         'retention', j.retention::text, 'expired', j.expired, 'archiveSchema', j.archive_schema,
         'partitions', (select count(*) from children as c where c.parent = j.parent),
         'from', lower(j.covered), 'upto', upper(j.covered), 'nowCovered', j.covered @> now(), 'periodsLeft',
         j.periods_left,
         'rows', coalesce((select sum(s.rows) from sizes as s where s.parent = j.parent), 0),
         'bytes', coalesce((select sum(s.bytes) from sizes as s where s.parent = j.parent), 0),
         'missing', j.missing, 'gaps', j.gaps, 'default', j.default_partition, 'detaching', j.detaching, 'differing',
         j.differing, 'expiredPartitions', j.expired_children,
         'problems', array_remove(array[
           case when j.own @> now() and not j.covered @> now() then 'now-not-covered' end,
           case when j.covered_upto < upper(j.own)
                and case when j.period is not null then j.periods_left < least(2, coalesce(j.premake, 2))
                  -- The end is seen by the length of the newest partition; one of years need not have the next long
                  -- before.
                  else j.covered_upto < now() + least(2 * j.width, interval '2 months') end then 'running-out' end,
           case when json_array_length(j.gaps) > 0 then 'gap' end,
           case when j.default_partition is not null and (j.default_partition ->> 'hasRows') is distinct from 'false'
                then 'default-has-rows' end,
           case when json_array_length(j.detaching) > 0 then 'detach-pending' end,
           case when json_array_length(j.differing) > 0 then 'not-isolated' end], null)
       ) order by j.name), '[]') as tables
  from judged as j
