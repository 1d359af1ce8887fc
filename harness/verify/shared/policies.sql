policies as materialized (
  select p.oid, p.polname, p.polrelid, p.polcmd, p.polpermissive, format('%I.%I', n.nspname, c.relname) as relation, c.relname,
         s.tenant_column, a.attnum as tenant_attnum, p.polqual, p.polwithcheck,
         -- a restrictive policy that names the tenant holds back what a permissive one of the same command lets through
         array_agg(p.polcmd) filter (where not p.polpermissive and (0 = any (p.polroles) or p.polroles @> (select tenants from held))
                                           and exists (select from pg_catalog.pg_depend d
                                                        where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                                                          and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum))
           over (partition by p.polrelid) as floors,
         format('alter policy %I on %I.%I', p.polname, n.nspname, c.relname) as alteration,
         s.predicate as standard  -- what the policy could say instead
    from subjects s
    join pg_catalog.pg_class c on c.oid = s.oid and c.relrowsecurity
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_policy p on p.polrelid = c.oid
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.tenant_column
   where p.polroles && (select roles from held)
),
