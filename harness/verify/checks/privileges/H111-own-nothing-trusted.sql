-- code: H111
-- name: own-nothing-trusted
-- title: No tenant role owns what isolation rests on: schemas, the database, what policies call and read
-- severity: high
-- kind: catalogue
-- uses: policies, tables_read, function_bodies, ordinary_schemas, schemas_looked_in, shared_logins, tenant_guises,
--   this_database, tenant_roles
-- sources: https://www.postgresql.org/docs/current/ddl-priv.html;
--   https://www.postgresql.org/docs/current/ddl-schemas.html
-- An owner needs no privilege: he replaces the function, redefines the view, switches the row security of the table
-- off, drops whatever is in the schema. Of the tenant tables themselves H102, H206 and H207 speak.
-- The policies that a tenant role meets, and every function that they lead to.
-- What policies read, and what the views among it read.
with read as materialized (
  with recursive walk as (
    select d.refobjid as relid
      from policies p
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                 and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> p.polrelid
    union
    select relid from tables_read
    union
    select d.refobjid
      from walk w
      join pg_catalog.pg_rewrite r on r.ev_class = w.relid and r.ev_type = '1'
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
       and d.refclassid = 'pg_catalog.pg_class'::regclass
  )
  select relid from walk
),
called as materialized (
  select b.function from function_bodies b where b.function >= 16384
  union
  select d.refobjid
    from read w
    join pg_catalog.pg_rewrite r on r.ev_class = w.relid and r.ev_type = '1'
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
     and d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid >= 16384
),
trusted as materialized (
  select format('function %s', x.signature) as object, f.proowner as owner, 'critical' as severity,
         'policies call it, and it may say whatever its owner wants' as why,
         format('alter function %s owner to ', x.signature) as alteration,
         format('grant execute on function %s to ', x.signature) as gift,
         format('select proowner::regrole from pg_proc where oid = %L::regprocedure;', x.signature) as evidence
    from called c
    join pg_catalog.pg_proc f on f.oid = c.function
    join pg_catalog.pg_namespace n on n.oid = f.pronamespace
   cross join lateral (select format('%I.%I(%s)', n.nspname, f.proname, pg_catalog.oidvectortypes(f.proargtypes))
                       as signature) as x
  union all
  select format('%I.%I', n.nspname, c.relname), c.relowner,
         case when c.relkind in ('v', 'm') then 'critical' else 'high' end,
         case when c.relkind in ('v', 'm') then 'policies read it, and it may show whatever its owner wants'
              else 'policies read it, and its owner may fill it at will, whatever its own policies say' end,
         format('alter %s %I.%I owner to ', k.kind, n.nspname, c.relname),
         format('grant select on %I.%I to ', n.nspname, c.relname),
         format('select relowner::regrole from pg_class where oid = %L::regclass;',
                format('%I.%I', n.nspname, c.relname))
    from read r
    join pg_catalog.pg_class c on c.oid = r.relid and c.oid >= 16384
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   cross join lateral (select case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                                   when 'f' then 'foreign table' else 'table' end as kind) as k
  union all
  select format('schema %I', s.nspname), s.nspowner, 'high', u.why,
         format('alter schema %I owner to ', s.nspname), format('grant usage on schema %I to ', s.nspname),
         format('select nspowner::regrole from pg_namespace where nspname = %L;', s.nspname)
    from ordinary_schemas s
   cross join lateral (
     select case when exists (select from pg_catalog.pg_class c
                               where c.relnamespace = s.oid and c.relowner <> s.nspowner)
                   or exists (select from pg_catalog.pg_proc p
                               where p.pronamespace = s.oid and p.proowner <> s.nspowner)
                 then 'it holds what belongs to others, who could find it dropped'
                 when exists (select from schemas_looked_in n cross join shared_logins x
                               where n.oid = s.oid and (n.reader <> s.nspowner or x.shared))
                 then (select format('it is in %s', string_agg(n.whose, ', ' order by n.whose)) from schemas_looked_in n
                        where n.oid = s.oid) end as why) as u
   -- the owner of the database is pg_database_owner
   where u.why is not null and s.nspowner <> coalesce(to_regrole('pg_database_owner')::oid, 0)
  union all
  select 'database', d.datdba, 'high', 'its owner sets search_path and any other setting for everybody who connects',
         format('alter database %I owner to ', current_database()),
         format('grant connect on database %I to ', current_database()),
         'select datdba::regrole from pg_database where datname = current_database();'
    from this_database d
),
-- The owner himself; or, once for each group of owners, whoever may act as one.
owned as (
  select t.*, g.role, g.tenant, g.rolname, g.oid = g.tenant as self
    from trusted t
    join tenant_guises g on g.oid = t.owner
),
-- Who is to own it instead, and how the present login comes to dispose of what is not its own.
heir as (
  select quote_ident(r.rolname) as name
    from pg_catalog.pg_roles r
   where r.oid not in (select oid from tenant_guises)
     and (r.rolname = current_user or r.oid = (select datdba from this_database))
   order by r.rolname <> current_user limit 1
)
select o.object, 'fail' as outcome, format('%I owns it: %s', o.role, o.why) as detail, o.evidence,
       (select concat_ws(E'\n',
                         case when b.needed then format('grant %I to %I with inherit true;', o.role, current_user) end,
                         format('%s%s;', o.alteration, h.name),
                         case when b.needed then format('grant %I to %I with inherit false;', o.role, current_user) end,
                         format('%s%I;', o.gift, o.role))
          from heir h
         cross join (select current_setting('server_version_num')::int >= 160000
                     and not pg_has_role(o.owner, 'USAGE') as needed) as b) as fix, o.severity as severity
  from owned o
 where o.self
 union all
select format('%I in %I', o.role, o.rolname), 'fail',
       format('%I can act as %I, which owns %s%s', o.role, o.rolname,
              string_agg(o.object, ', ' order by o.severity, o.object) filter (where o.place <= 3),
              case when max(o.place) > 3 then format(' and %s objects more', max(o.place) - 3) end),
       format('select pg_has_role(%L, %L, ''MEMBER'');  -- expected: f', o.role, o.rolname),
       (select string_agg(format('revoke %I from %I%s;', b.rolname, o.role,
                                 case when current_setting('server_version_num')::int >= 160000
                                      then format(' granted by %I', g.rolname) else '' end), E'\n' order by b.rolname)
          from pg_catalog.pg_auth_members m
          join pg_catalog.pg_roles b on b.oid = m.roleid
          join pg_catalog.pg_roles g on g.oid = m.grantor
         where m.member = o.tenant and pg_has_role(b.oid, o.owner, 'MEMBER')),
       min(o.severity)
  from (select o.*, row_number() over (partition by o.role, o.owner order by o.severity, o.object) as place from owned o
         where not o.self) as o
 group by o.role, o.tenant, o.rolname, o.owner
 union all
select t.object, 'pass', 'it belongs to no tenant role', null, null, null
  from trusted t
 where exists (select from tenant_roles) and not exists (select from owned o where o.object = t.object)
