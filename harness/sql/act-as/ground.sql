-- uses: trusted_roles, login
-- What this session may do as another role without handing that role its own rights. $1: the roles it is to act as.
-- One row: the mode, the reason where there is none, and the search path that applications get.
--   wall    a SECURITY DEFINER function that belongs to the role: inside, neither SET ROLE nor SET SESSION
--   AUTHORIZATION works
--   direct  SET LOCAL ROLE: whoever undoes it finds a login without rights, or nothing but that login's own code
--   none    neither: nothing of this database is evaluated
with strangers as (
  select exists (select from pg_catalog.pg_class c
                  where c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'm', 'f')
                    and c.relowner not in (select oid from trusted_roles))
      or exists (select from pg_catalog.pg_proc p
                  where p.oid >= 16384 and p.proowner not in (select oid from trusted_roles))
      or exists (select from pg_catalog.pg_type t
                  where t.oid >= 16384 and t.typowner not in (select oid from trusted_roles))
      or exists (select from pg_catalog.pg_operator o
                  where o.oid >= 16384 and o.oprowner not in (select oid from trusted_roles)) as write_code
),
-- The wall is made with CREATE FUNCTION, and that is what event triggers listen for: they run as whoever made it.
listeners as (
  select e.evtname
    from pg_catalog.pg_event_trigger e
    join pg_catalog.pg_proc p on p.oid = e.evtfoid
   where e.evtenabled <> 'D' and p.proowner not in (select oid from trusted_roles)
   order by e.evtname
),
-- A login that is nothing but a member of the roles, and owns nothing here.
plain as (
  select not s.strong
     and not exists (select from pg_catalog.pg_shdepend o
                      where o.refclassid = 'pg_catalog.pg_authid'::regclass and o.refobjid = s.oid and o.deptype = 'o')
     and not exists (select from pg_catalog.pg_roles r
                      where r.oid <> s.oid and r.rolname <> all ($1) and pg_catalog.pg_has_role(s.oid, r.oid, 'MEMBER')
                        -- what a role that it is to act as brings along is that role's
                        and not exists (select from pg_catalog.pg_roles t
                                         where t.rolname = any ($1) and pg_catalog.pg_has_role(t.oid, r.oid, 'MEMBER'))
                        and r.rolname not in ('pg_read_all_settings', 'pg_read_all_stats', 'pg_monitor',
                                              'pg_stat_scan_tables')) as is_plain
    from login s
)
select case when possible.wall then 'wall' when p.is_plain or not g.write_code then 'direct' else 'none' end as mode,
       case when possible.wall or p.is_plain or not g.write_code then null
            when pg_catalog.pg_is_in_recovery() then 'a standby lets no wall be built'
            when l.evtname is not null
            then format('the event trigger %I would run with the rights of this login', l.evtname)
            else 'this login may not create a schema here' end as reason,
       (select min(format('%I on %s', g.tgname, g.tgrelid::regclass)) from pg_catalog.pg_trigger g
          join pg_catalog.pg_proc f on f.oid = g.tgfoid
         where g.tgdeferrable and not g.tgisinternal and g.tgenabled <> 'D'
           and f.proowner not in (select oid from trusted_roles)) as deferred,
       -- pg_catalog is then first by itself: no function of the database stands in for the server's
       coalesce((select string_agg(piece, ',' order by n)
                   from pg_catalog.pg_settings g,
                        unnest(string_to_array(g.reset_val, ',')) with ordinality as p (piece, n)
                  where g.name = 'search_path' and btrim(piece, ' "') not in ('pg_catalog', 'pg_temp')), '') as path
  from login s
 cross join strangers g
 cross join plain p
  left join (select min(evtname) as evtname from listeners) as l on true
 cross join lateral (select not pg_catalog.pg_is_in_recovery() and l.evtname is null
                        and has_database_privilege(s.oid, s.database, 'CREATE') as wall) as possible
