-- code: H206
-- name: refuse-truncate
-- title: No tenant role may TRUNCATE, which row security does not restrict
-- severity: critical
-- kind: probe
-- uses: tenant_tables, tenant_roles, observed
-- whoever a tenant role has it from
with granted as materialized (
  select t.relation,
         string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(g.rolname) end, ', ') as names
    from tenant_tables t
    join pg_catalog.pg_class c on c.oid = t.oid
   cross join aclexplode(c.relacl) as a
    left join pg_catalog.pg_roles g on g.oid = a.grantee
   where a.privilege_type = 'TRUNCATE'
     and (a.grantee = 0 or exists (select from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
                                    where not k.rolsuper and pg_has_role(k.oid, a.grantee, 'USAGE')))
   group by t.relation
)
select o.relation as object,
       case when not o.seen then 'error' when o.can_truncate then 'fail' else 'pass' end as outcome,
       case when not o.seen then 'the table vanished during the run'
            when o.can_truncate then format('%I has the TRUNCATE privilege: it can empty the table of every tenant',
                                            o.role)
            else format('%I has no TRUNCATE privilege', o.role) end as detail,
       format('select has_table_privilege(%L, %L, ''TRUNCATE'');  -- expected: f', o.role, o.relation) as evidence,
       format('revoke truncate on %s from %s;', o.relation, coalesce(g.names, quote_ident(o.role))) as fix,
       null::text as severity
  from observed o
  left join granted g on g.relation = o.relation
 order by o.relation, o.place
