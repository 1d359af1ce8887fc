-- code: H604
-- name: guard-publications
-- title: Nobody but the platform can stream the tenants' changes
-- severity: high
-- kind: catalogue
-- uses: tenant_roles, tenant_tables, right_to_become
-- sources: bypass catalogue row 43; https://www.postgresql.org/docs/current/logical-replication-security.html;
--   https://www.postgresql.org/docs/current/logical-replication-row-filter.html
-- REPLICATION knows no row security and no publication: whoever has it decodes every change of every table, or names
-- any publication. A row filter is for the volume, not a boundary. Superusers, the database's owner, this session's
-- role and the managed platforms' roles have it by contract.
with streamers as materialized (
  select k.oid, k.rolname, k.rolcanlogin
    from pg_catalog.pg_roles k
   where k.rolreplication and not k.rolsuper
     and k.rolname not in (session_user, current_user) and k.rolname !~ '^(supabase_|rds|cloudsql|azure_|neon_)'
     and k.rolname not in (select role from tenant_roles)  -- 4a
     and k.oid <> (select datdba from pg_catalog.pg_database where datname = current_database())
     and not exists (select from pg_catalog.pg_roles p
                      where p.rolname in ('neon_superuser', 'rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin')
                        and pg_has_role(k.oid, p.oid, 'MEMBER'))
),
published as materialized (
  select p.pubname, count(*) as tables, bool_or(to_jsonb(p) ->> 'rowfilter' is not null) as filtered
    from pg_catalog.pg_publication_tables p
    join tenant_tables t on t.relation = format('%I.%I', p.schemaname, p.tablename)
   where exists (select from streamers)
   group by p.pubname
)
select quote_ident(s.rolname) as object,
       case when s.fault is null then 'pass' else 'fail' end as outcome,
       coalesce(s.fault, case when s.rolcanlogin then 'has REPLICATION, and nothing of the tenants is published'
                              else 'has REPLICATION; nobody logs in with it, and no tenant role gets there' end)
                                   as detail,
       case when s.tenant is not null or s.app is not null
            then format('select rolname, rolreplication, pg_has_role(%L, %L, %L) from pg_roles where rolname = %L;',
                        coalesce(s.tenant, s.rolname), case when s.tenant is null then s.app else s.rolname end,
                        s.become, s.rolname)
            when s.fault is not null
            then format('select rolname, rolreplication, rolcanlogin from pg_roles where rolname = %L;', s.rolname)
                                          || E'\nselect pubname, schemaname, tablename from '
                                              'pg_publication_tables;\nselect slot_name, plugin from '
                                              'pg_replication_slots where slot_type = ''logical'';' end as evidence,
       case when s.fault is null then null
            when s.tenant is not null
            then (select string_agg(format('revoke %I from %I%s;', b.rolname, s.tenant,
                                           case when current_setting('server_version_num')::int >= 160000
                                                then format(' granted by %I', g.rolname) else '' end), E'\n')
                    from pg_catalog.pg_auth_members m
                    join pg_catalog.pg_roles b on b.oid = m.roleid
                    join pg_catalog.pg_roles g on g.oid = m.grantor
                    join pg_catalog.pg_roles k on k.oid = m.member and k.rolname = s.tenant
                   where pg_has_role(b.oid, s.oid, s.become))
            else format('alter role %I noreplication;  -- or waive it, if this is the consumer of the changes',
                        s.rolname) end as fix,
       case when s.tenant is not null then null
            when s.fault is null then null
            when s.filtered is not null and s.wal_level = 'logical' then 'high'
            when s.app is not null or s.filtered is not null then 'medium'
            else 'low' end as severity
  from (
    select k.*, r.become, t.role as tenant, a.role as app, f.pubname as filtered, l.wal_level,
           case when t.role is not null
                then format('%I can SET ROLE to %I, which has REPLICATION: it can decode the changes of every tenant',
                            t.role, k.rolname)
                when a.role is not null
                then format('%I has REPLICATION and is a login of the application: it becomes %I', k.rolname, a.role)
                when not k.rolcanlogin then null
                when f.pubname is not null
                then format(
                    '%I has REPLICATION, and publication %I filters the rows of tenant tables: the filter does not '
                    'keep it from the other rows (wal_level is %s)', k.rolname, f.pubname, l.wal_level)
                when p.pubname is not null
                then format(
                    '%I has REPLICATION, and publication %I has %s tenant tables: it streams the changes of every '
                    'tenant (wal_level is %s)', k.rolname, p.pubname, p.tables, l.wal_level)
                when x.slot_name is not null
                then format('%I has REPLICATION, and the logical slot %I decodes the changes of every tenant',
                            k.rolname, x.slot_name) end as fault
      from streamers k
     cross join right_to_become r
     cross join (select current_setting('wal_level') as wal_level) as l
      left join lateral (select t.role from tenant_roles t
                           join pg_catalog.pg_roles o on o.rolname = t.role and not o.rolsuper
                          where pg_has_role(o.oid, k.oid, r.become) order by t.role limit 1) as t on true
      left join lateral (select t.role from tenant_roles t join pg_catalog.pg_roles o on o.rolname = t.role
                          where k.rolcanlogin and pg_has_role(k.oid, o.oid, r.become) order by t.role
                          limit 1) as a on true
      left join lateral (select pubname from published where filtered order by pubname limit 1) as f on k.rolcanlogin
      left join lateral (select pubname, tables from published order by pubname limit 1) as p on k.rolcanlogin
      left join lateral (select slot_name from pg_catalog.pg_replication_slots
                          where slot_type = 'logical' and database = current_database() order by slot_name
                          limit 1) as x on k.rolcanlogin
  ) as s
 order by s.rolname
