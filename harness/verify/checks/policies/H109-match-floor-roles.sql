-- code: H109
-- name: match-floor-roles
-- title: A restrictive policy on the tenant column binds every tenant role that gets through to the table
-- severity: critical
-- kind: probe
-- uses: tenant_tables, probed_roles, observed, holes
-- sources: bypass catalogue row 53; https://www.postgresql.org/docs/current/sql-createpolicy.html
-- A restrictive policy is applied to the roles that it names and to nobody else. Where a role that it does not name is
-- let through to other tenants' rows, this is why. A role that its own permissive policies hold back needs no floor.
select b.relation as object,
       case when b.open is not null then 'fail' else 'pass' end as outcome,
       case when b.open is not null
            then format('%I is let through to other tenants'' rows (%s): the restrictive policy %I names %s only',
                        b.role, b.open, b.floor, b.names)
            else format('the restrictive policy %I names %s only; nobody else is let through', b.floor, b.names) end
                 as detail,
       case when b.open is not null
            then format(
                E'select polname, polpermissive, polcmd, array(select coalesce(rolname, ''public'') from '
                 'unnest(polroles) as o left join pg_roles r on r.oid = o) as roles\n'
                        '  from pg_policy where polrelid = %L::regclass;  -- expected: a restrictive policy to %I',
                        b.relation, b.role) end as evidence,
       case when b.open is not null
            then format('alter policy %I on %s to %s;', b.floor, b.relation, b.names || b.missing) end as fix,
       null::text as severity
  from (
    with restrictive as materialized (
      select p.oid, p.polname, p.polrelid, p.polcmd, p.polroles, format('%I.%I', n.nspname, c.relname) as relation
        from pg_catalog.pg_policy p
        join pg_catalog.pg_class c on c.oid = p.polrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where not p.polpermissive and not 0 = any (p.polroles)
    ),
    -- what it has to do with the tenant is that it reads the column
    floors as materialized (
      select r.*
        from restrictive r
        join tenant_tables t on t.relation = r.relation
       where exists (select from pg_catalog.pg_depend d
                       join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
                      where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = r.oid
                        and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = r.polrelid
                        and a.attname = t.tenant_column)
    ),
    unbound as materialized (
      select f.*, r.role
        from floors f
       cross join (select p.role, k.oid from probed_roles p join pg_catalog.pg_roles k on k.rolname = p.role) as r
       where not exists (select from unnest(f.polroles) as o where pg_has_role(r.oid, o, 'USAGE'))
    ),
    additions as materialized (
      select u.oid, string_agg(', ' || quote_ident(u.role), '' order by u.role) as missing from unbound u group by u.oid
    ),
    active as materialized (
      select o.role, o.relation from observed o where o.active and exists (select from unbound)
    ),
    opened as materialized (
      select distinct h.role, h.relation, c.command, v.polcmd
        from holes h
       cross join lateral (select jsonb_array_elements_text(h.open) as command union select 'select' where h.visible)
             as c
        join (values ('select', 'r'), ('insert', 'a'), ('update', 'w'), ('move', 'w'), ('delete', 'd'))
             as v (command, polcmd) on v.command = c.command
       where exists (select from unbound)
    )
    select u.relation, u.role, u.polname as floor, m.missing,
           -- open to it in one of the commands that the floor is for
           string_agg(distinct h.command, ', ') as open,
           (select string_agg(quote_ident(g.rolname), ', ' order by g.rolname) from unnest(u.polroles) as o
              join pg_catalog.pg_roles g on g.oid = o) as names
      from unbound u
      join active o on o.role = u.role and o.relation = u.relation
      join additions m on m.oid = u.oid
      left join opened h on h.role = u.role and h.relation = u.relation and u.polcmd in ('*', h.polcmd::"char")
     group by u.relation, u.role, u.polname, u.polroles, m.missing
  ) as b
 order by b.relation, b.open is null
