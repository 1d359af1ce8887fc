-- code: H101
-- name: enable-row-security
-- title: Every table that a tenant role can reach has row security enabled
-- severity: critical
-- kind: catalogue
-- uses: observed, model, tenant_roles, tenant_tables
select format('%I.%I', n.nspname, c.relname) as object,
       case when c.relrowsecurity then 'pass' else 'fail' end as outcome,
       case when c.relrowsecurity then 'row security is enabled'
            when exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid)
            then format('row security is disabled, so its policies do nothing: %I has %s', reach.role, reach.privileges)
            else format('row security is disabled: %I has %s on all rows', reach.role, reach.privileges) end as detail,
       case when not c.relrowsecurity
            then format(
                E'begin;\nset local role %I;\nselect count(*) from %I.%I;  -- expected: 0, there is no '
                 'context\nrollback;', reach.role, n.nspname, c.relname) end as evidence,
       case when not c.relrowsecurity
            then coalesce((select o.mend from observed o where o.relation = format('%I.%I', n.nspname, c.relname)
                            limit 1),
                          format(
                              'alter table %1$I.%2$I enable row level security;  -- or list it under isolation.exempt, '
                              'with the reason', n.nspname, c.relname)) end as fix,
       -- Countries, currencies, plans: nothing in it points at anybody. What tenants may only read tells them nothing
       -- about each other, what they may write the others read.
       case when not c.relrowsecurity and not anybody.named
            then case when reach.writes then 'medium' else 'low' end end as severity
  from model
 cross join lateral jsonb_array_elements_text(model -> 'schemas') as s (name)
  join pg_catalog.pg_namespace n on n.nspname = s.name
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
 cross join lateral (select r.role, string_agg(lower(p.privilege), ', ') as privileges,
                     bool_or(p.privilege <> 'SELECT') as writes
                       from tenant_roles r
                       join pg_catalog.pg_roles k on k.rolname = r.role
                      cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as p (privilege)
                      where case p.privilege when 'DELETE' then has_table_privilege(k.oid, c.oid, p.privilege)
                                             else has_any_column_privilege(k.oid, c.oid, p.privilege) end
                      group by r.role order by r.role limit 1) as reach
 cross join lateral (select exists (select from tenant_tables t where t.oid = c.oid)
                              or exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid)
                              or exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid)
                              or exists (select from pg_catalog.pg_constraint k
                                          where k.conrelid = c.oid and k.contype = 'f')
                              -- an identifier of something else, without a foreign key to say of what
                              or exists (select from pg_catalog.pg_attribute a
                                          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                                            and a.attname ~* '(?:^|_)(?:id|uuid|user|owner|email)$|[a-z](?:Id|ID|Uuid)$'
                                            and not exists (select from pg_catalog.pg_index i
                                                             where i.indrelid = c.oid and i.indisprimary
                                                               and i.indnkeyatts = 1
                                                               and i.indkey[0] = a.attnum)) as named) as anybody
 where not (model -> 'exempt') ? (n.nspname || '.' || c.relname)
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
