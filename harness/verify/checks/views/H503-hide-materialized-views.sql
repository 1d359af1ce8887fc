-- code: H503
-- name: hide-materialized-views
-- title: No tenant role reads a materialized view that was filled past row security
-- severity: high
-- kind: catalogue
-- uses: tenant_views, view_uses, protected_tables, contexts, subject_roles
-- sources: bypass catalogue row 34; https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
-- REFRESH always runs as the owner: what row security hides from that role is not stored in it.
with filled as materialized (
  select v.oid, v.relation, v.relowner, v.relnamespace, o.rolname as owner, min(t.relation) as base,
         r.ev_action::text as definition,
         array_agg(distinct c) filter (where c is not null) as tenant_columns
    from tenant_views v
    join pg_catalog.pg_rewrite r on r.oid = v.rule
    join pg_catalog.pg_roles o on o.oid = v.relowner
    join view_uses u on u.view = v.oid
    join protected_tables t on t.oid = u.used
    left join lateral unnest(t.tenant_columns) as c on true
   where v.relkind = 'm'
     and (not t.relrowsecurity or o.rolsuper or o.rolbypassrls
          or (not t.relforcerowsecurity and pg_has_role(o.oid, t.relowner, 'USAGE')))
   group by v.oid, v.relation, v.relowner, v.relnamespace, o.rolname, r.ev_action::text
)
select v.relation as object,
       case when f.oid is not null and reach.roles is not null then 'fail' else 'pass' end as outcome,
       case when f.oid is null then 'it is filled as a role that row security binds'
            when reach.roles is null then 'no tenant role can read it'
            when summary.whole then format('%s can read figures that %I computed over the rows of all tenants in %s',
                                           reach.roles, f.owner, f.base)
            else format(
                '%s can read it whole, and %I filled it with the rows of all tenants in %s: a materialized view has no '
                'row security', reach.roles, f.owner, f.base) end as detail,
       case when reach.roles is not null
            then format(
                E'begin;\nset local role %I;\n%s\nselect count(*) from %s;  -- expected: permission denied\nrollback;',
                reach.first,
                                                     (select c.statements from contexts c where c.kind = 'tenant'
                                                       order by c.ordinality limit 1), v.relation) end as evidence,
       case when reach.roles is not null
            then format('revoke all on %s from %s;', v.relation, coalesce(g.names, reach.roles)) end as fix,
       -- one row about everybody tells nobody's rows
       case when summary.whole then 'low' end as severity
  from tenant_views v
  left join filled f on f.oid = v.oid
  left join lateral (select string_agg(quote_ident(t.role), ', ' order by t.role) as roles, min(t.role) as first
                       from subject_roles t
                      where has_any_column_privilege(t.oid, v.oid, 'SELECT')
                        and has_schema_privilege(t.oid, v.relnamespace, 'USAGE')) as reach on true
  left join lateral (select string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(k.rolname) end,
                                       ', ') as names
                       from (select c.relacl as acl from pg_catalog.pg_class c where c.oid = v.oid
                             union all
                             select k.attacl from pg_catalog.pg_attribute k where k.attrelid = v.oid) as x
                      cross join aclexplode(x.acl) as a
                       left join pg_catalog.pg_roles k on k.oid = a.grantee
                      where a.grantee = 0
                         or exists (select from subject_roles t where pg_has_role(t.oid, a.grantee, 'USAGE'))) as g
                         on reach.roles is not null
  left join lateral (select f.definition ~ '^\(\{QUERY(?:(?! :hasAggs ).)* :hasAggs true '
                     and f.definition ~ ' :groupClause <> (?:(?! :groupClause ).)*$'
                            and f.definition !~ ' :groupingSets \('
                            and f.definition ~ ' :setOperations <> (?:(?! :setOperations ).)*$' as whole) as summary
                             on true
 where v.relkind = 'm' and v.oid in (select u.view from view_uses u)
