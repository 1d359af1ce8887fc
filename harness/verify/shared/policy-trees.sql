parsed as materialized (
  select x.*, hashtextextended(x.tree, 0) as tree_id
    from (select p.oid as policy, p.polname, p.polrelid, p.polcmd, p.polpermissive, p.relation, p.relname, p.tenant_column, p.tenant_attnum, p.floors,
                 p.alteration, p.standard, p.polqual, p.polwithcheck,
                 e.part, e.part = 'check' or p.polwithcheck is null as decides,  -- on new rows
                 -- before version 17 a tree tells where in its statement each node stood
                 case when current_setting('server_version_num')::int >= 170000 then e.tree
                      else regexp_replace(e.tree, ' :location \d+', '', 'g') end as tree
            from policies p
           cross join lateral (values ('using', p.polqual::text), ('check', p.polwithcheck::text)) as e (part, tree)
           where e.tree is not null) as x
),
