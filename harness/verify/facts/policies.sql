-- title: the policies that a tenant role meets, on tenant tables, on others with row security, and on what policies
--   read
-- uses: tenant_memberships, policy_subjects
-- Equal ones once, with the tables that have them, as {"trees": […], "shapes": […]}: a tree is the expression as the
-- parser made it, and a thousand tables have few. No expression is printed: that would wait for whoever holds a lock on
-- the table.
with of_policies as materialized (
  select p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, a.attnum as tenant_attnum,
         -- a restrictive policy that names the tenant holds back what a permissive one of the same command lets through
         array_agg(p.polcmd)
           filter (where not p.polpermissive
                   and (0 = any (p.polroles) or p.polroles @> (select tenants from tenant_memberships))
                                           and exists (select from pg_catalog.pg_depend d
                                                        where d.classid = 'pg_catalog.pg_policy'::regclass
                                                          and d.objid = p.oid
                                                          and d.refclassid = 'pg_catalog.pg_class'::regclass
                                                          and d.refobjid = p.polrelid and d.refobjsubid = a.attnum))
           over (partition by p.polrelid) as floors,
         t.using_tree, t.check_tree
    from (select oid, tenant_column from policy_subjects
          union
          select d.refobjid, null
            from pg_catalog.pg_depend d
           where d.classid = 'pg_catalog.pg_policy'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
             and d.refobjid not in (select oid from policy_subjects)) as s
    join pg_catalog.pg_class c on c.oid = s.oid and c.relrowsecurity
    join pg_catalog.pg_policy p on p.polrelid = c.oid
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.tenant_column
   -- before version 17 a tree tells where in its statement each node stood
   cross join lateral (select regexp_replace(p.polqual::text, x.location, '', 'g') as using_tree,
                       regexp_replace(p.polwithcheck::text, x.location, '', 'g') as check_tree
                         from (select case when current_setting('server_version_num')::int >= 170000 then null
                                           else ' :location \d+' end as location) as x
                        where x.location is not null
                       union all
                       select p.polqual::text, p.polwithcheck::text
                        where current_setting('server_version_num')::int >= 170000) as t
   where p.polroles && (select roles from tenant_memberships)
),
trees as materialized (
  select tree, row_number() over () - 1 as place
    from (select using_tree as tree from of_policies union select check_tree from of_policies) as t
   where tree is not null
),
shapes as materialized (
  select p.polname, p.polcmd, p.polpermissive, p.tenant_attnum, p.floors, u.place as using_tree, c.place as check_tree,
         jsonb_agg(p.oid::bigint) as oids
    from of_policies p
    left join trees u on u.tree = p.using_tree
    left join trees c on c.tree = p.check_tree
   group by p.polname, p.polcmd, p.polpermissive, p.tenant_attnum, p.floors, u.place, c.place
)
select jsonb_build_object(
  'trees', (select coalesce(jsonb_agg(tree order by place), '[]') from trees),
  'shapes', (select coalesce(jsonb_agg(to_jsonb(s)), '[]') from shapes s))
