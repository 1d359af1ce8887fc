-- title: the roles may use the tables and sequences that are there
-- runbook: 2, 5
-- Tables of the owner in schema public. Not children of another table: addressed directly, their parent's policies
-- don't apply. Not a table without row security, which would be open to everybody: left-alone.sql names those. Not more
-- than SELECT and INSERT on a table that is append-only (tenancy.append_only), and no SELECT where the role may read
-- some columns only (pii.move_to).
with wanted as (
  select c.oid, c.relname, r.rolname,
         case when c.relkind = 'S' then array['USAGE', 'SELECT']
              when exists (select from pg_catalog.pg_policy p
                            where p.polrelid = c.oid and p.polname in ('append_only_update', 'append_only_delete'))
              then array['SELECT', 'INSERT']
              else array['SELECT', 'INSERT', 'UPDATE', 'DELETE'] end as privileges,
         case when c.relkind = 'S' then 'sequence' else 'table' end as kind
    from pg_catalog.pg_class c
   cross join pg_catalog.pg_roles r
   where c.relnamespace = 'public'::regnamespace
     and case when c.relkind <> 'S' then c.relkind in ('r', 'p') and c.relrowsecurity
              -- a sequence goes with the table that it numbers
              else not exists (select from pg_catalog.pg_depend d join pg_catalog.pg_class t on t.oid = d.refobjid
                                where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                                  and d.deptype in ('a', 'i')
                                  and d.refclassid = 'pg_catalog.pg_class'::regclass and not t.relrowsecurity) end
     and pg_has_role(c.relowner, 'USAGE')
     and r.rolname in ('authenticated', 'app_background')
     and not exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid)
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
),
missing as (
  select w.relname, w.rolname, w.kind, string_agg(p.privilege, ', ' order by p.place) as privileges
    from wanted w
   cross join unnest(w.privileges) with ordinality as p (privilege, place)
   where not case when w.kind = 'sequence' then has_sequence_privilege(w.rolname, w.oid, p.privilege)
                  when p.privilege = 'SELECT' then has_any_column_privilege(w.rolname, w.oid, p.privilege)
                  else has_table_privilege(w.rolname, w.oid, p.privilege) end
   group by w.relname, w.rolname, w.kind
)
select format('%s public.%I', kind, relname) as object,
       format('%I has no %s', rolname, privileges) as missing,
       format('grant %s on %s public.%I to %I;', lower(privileges), kind, relname, rolname) as statement
  from missing
 order by kind desc, relname, rolname
