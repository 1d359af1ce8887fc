-- The tables that are kept by month: each month isolates like its parent, has its indexes, and is reached through it
-- alone. There is none for what is out of range.
begin;

\ir support/attempt.sql

create temporary table parents as
select c.oid::regclass as parent, k.attname as key, k.atttypid = 'date'::regtype as by_date
from pg_partitioned_table as p
join pg_class as c on c.oid = p.partrelid and c.relnamespace = 'public'::regnamespace and not c.relispartition
join pg_attribute as k on k.attrelid = c.oid and k.attnum = p.partattrs[0];

-- One that is made as the months go on, beside those of the migrations.
select partitions.fill(parent, '2040-02-01Z', '2040-03-01Z') from parents;
create temporary table months as
select p.parent, p.key, c.child, c.starts_at, c.ends_at, c.is_default
  from parents as p, partitions.children(p.parent) as c;
create temporary table reaching as
select distinct on (parent, late) parent, key, child, starts_at, starts_at > now() + interval '1 year 6 months' as late
from months order by parent, late, starts_at;

select plan((7 + 10 * (select count(*) from parents) + 12 * (select count(*) from reaching))::integer);

select is(
  array(select format('%s by %s', parent, key) from parents order by 1),
  array['analytics_events by created_at', 'booking_table_assignments by booking_date',
        'capacity_outbox_archive by finished_at',
    'observability_events by created_at', 'table_holds by created_at'], 'these tables are kept by month'
);
select is(
  array(select format('%s: %s, %s ahead, %s, %s', parent, period, premake, coalesce(retention::text, 'for ever'),
                      expired) from partitions.managed order by parent::text),
  array['analytics_events: month, 3 ahead, 2 years 1 mon, keep',
        'booking_table_assignments: month, 12 ahead, for ever, keep',
        'capacity_outbox_archive: month, 3 ahead, 6 mons, keep',
    'observability_events: month, 3 ahead, 6 mons, keep', 'table_holds: month, 3 ahead, 6 mons, keep'],
    'so many months ahead, and nothing is removed unless somebody says so'
);
select is((select relkind from pg_class where oid = 'public.capacity_outbox'::regclass), 'r',
          'the queue itself has no partitions');
select is_empty('select * from months where is_default', 'no table has a DEFAULT partition');
select is_empty(
  $$ select child, g.grantee from months, pg_class as c, aclexplode(c.relacl) as g
      where c.oid = child and g.grantee <> c.relowner $$,
  'nobody but the owner has a privilege on a month'
);
select is_empty(
  $$ select child, attname from months join pg_attribute on attrelid = child and attacl is not null $$,
  'nor on a column of one'
);
-- Each month by itself, though the probes of verify ask too: here it is the catalogue that has to agree.
select is_empty(
  $$ with policies as (
       select polrelid, polname, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid) as visible,
              pg_get_expr(polwithcheck, polrelid) as writable,
         obj_description(oid, 'pg_policy') as comment
       from pg_policy
     )
     select child, p.polname from months join policies as p on p.polrelid = parent
     where not exists (select from policies as c
                        where c.polrelid = child
                          and (c.polname, c.polcmd, c.polpermissive,
                               c.polroles) = (p.polname, p.polcmd, p.polpermissive, p.polroles)
       and (c.visible, c.writable, c.comment) is not distinct from (p.visible, p.writable, p.comment))
     union all
     select child, c.polname from months join pg_policy as c on c.polrelid = child
     where not exists (select from pg_policy as p where p.polrelid = parent and p.polname = c.polname) $$,
  'every month has the policies of its parent and no others'
);

select is(
  (select count(*) from months as m join pg_class as c on c.oid = m.child
    where m.parent = p.parent and c.relrowsecurity and c.relforcerowsecurity),
  (select count(*) from months as m where m.parent = p.parent),
  format('%s: row security is on and forced in every month', parent)
) from parents as p;
select cmp_ok(count(*), '>=', 6::bigint, format('%s: there are months', parent)) from months group by parent;
select ok(
  bool_or(starts_at <= now() and now() < ends_at)
    and bool_or(starts_at <= now() - interval '1 day' and now() - interval '1 day' < ends_at),
  format('%s: there is one for now, and for yesterday', parent)
) from months group by parent;
select cmp_ok(count(*) filter (where starts_at > now()), '>=', 3::bigint, format('%s: and at least two ahead', parent))
  from months group by parent;
select is(
  (select count(*) from pg_index as i join pg_inherits as h on h.inhparent = i.indexrelid
     join pg_index as o on o.indexrelid = h.inhrelid
   where i.indrelid = p.parent and o.indisvalid and i.indisvalid),
  (select count(*) from pg_index where indrelid = p.parent) * (select count(*) from months as m
                                                                where m.parent = p.parent),
  format('%s: every index is there in every month, attached', parent)
) from parents as p;
select is_empty(
  format($$ select i.indexrelid::regclass from pg_index as i
    where i.indrelid = %L::regclass and i.indisunique and not (select k.attnum = any (i.indkey[0:i.indnkeyatts - 1])
      from pg_attribute as k where k.attrelid = i.indrelid and k.attname = %L) $$, parent, key),
           format('%s: unique keys contain the month''s', parent)
) from parents;
-- Before the first month, behind the last one, and between them.
select is(
  pg_temp.attempt('app_background', null,
                  format('set local app.job = ''pgtap''; insert into %s (%s, %I) values (%L, %L)', parent,
                         'restaurant_id', key, 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', at)),
  '23514', format('%s: a row of %s is refused', parent, at)
) from parents, unnest(array['1999-12-31', '2040-01-31 23:59:59Z', '2040-03-01Z']) as at;
select is(
  pg_temp.attempt('authenticated', 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
                  format('insert into %s (restaurant_id, %I) values (%L, now() - interval ''30 years'')', parent,
                         key, 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa')),
  '23514', format('%s: and so it is from a tenant', parent)
) from parents;

select is(pg_temp.attempt(role, 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', format(statement, child)), '42501',
          format('%s: %s', role, format(statement, child)))
from reaching, unnest(array['authenticated', 'anonymous', 'app_background']) as role,
  unnest(array['select from %s', 'insert into %s (restaurant_id) values (''aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'')',
               'delete from %s', 'truncate %s']) as statement;

select * from finish();
rollback;
