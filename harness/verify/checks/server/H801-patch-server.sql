-- code: H801
-- name: patch-server
-- title: The server has the security fixes that row security depends on
-- severity: medium
-- kind: catalogue
-- uses: tenant_roles, tenant_tables
-- sources: bypass catalogue, server version gates; https://www.postgresql.org/support/security/
-- The version can be assumed, to ask about a server that is still to come: set harness.assume_server_version (150002 is
-- 15.2).
with server as materialized (
  select v.assumed, coalesce(v.assumed, current_setting('server_version_num')::int) as version,
         coalesce(v.assumed, current_setting('server_version_num')::int) / 10000 as major,
         coalesce(v.assumed, current_setting('server_version_num')::int) % 10000 as minor
    from (select substring(current_setting('harness.assume_server_version', true), '^[0-9]{6}$')::int as assumed) as v
),
fixes (cve, about, major, minor) as (
  values
    ('CVE-2025-8713', 'statistics of partitions and inheritance children show sampled values that policies hide',
     14, 19),
    ('CVE-2025-8713', 'statistics of partitions and inheritance children show sampled values that policies hide',
     15, 14),
    ('CVE-2025-8713', 'statistics of partitions and inheritance children show sampled values that policies hide',
     16, 10),
    ('CVE-2025-8713', 'statistics of partitions and inheritance children show sampled values that policies hide',
     17, 6),
    ('CVE-2024-10976', 'a plan with a subquery, made as one role, runs with that role''s policies as another', 14, 14),
    ('CVE-2024-10976', 'a plan with a subquery, made as one role, runs with that role''s policies as another', 15, 9),
    ('CVE-2024-10976', 'a plan with a subquery, made as one role, runs with that role''s policies as another', 16, 5),
    ('CVE-2024-10976', 'a plan with a subquery, made as one role, runs with that role''s policies as another', 17, 1),
    ('CVE-2024-10978', 'a role that was set is reset to a wrong one', 14, 14),
    ('CVE-2024-10978', 'a role that was set is reset to a wrong one', 15, 9),
    ('CVE-2024-10978', 'a role that was set is reset to a wrong one', 16, 5),
    ('CVE-2024-10978', 'a role that was set is reset to a wrong one', 17, 1),
    ('CVE-2023-39418', 'MERGE does not apply the policies for UPDATE and SELECT', 15, 4),
    ('CVE-2023-2455', 'a function that was inlined as one role runs with that role''s policies as another', 14, 8),
    ('CVE-2023-2455', 'a function that was inlined as one role runs with that role''s policies as another', 15, 3)
),
gates as (
  select cve, min(about) as about, max(f.major) filter (where f.major = s.major and s.minor < f.minor) as major,
         max(f.minor) filter (where f.major = s.major and s.minor < f.minor) as minor
    from fixes f, server s
   group by cve
),
-- Fixed in the views, which only a new cluster gets: the version says nothing. The views of a patched one ask who owns
-- the table.
views as (
  select string_agg(c.relname, ', ' order by c.relname) as unpatched,
         exists (select from pg_catalog.pg_statistic_ext e where 'm' = any (e.stxkind) or 'e' = any (e.stxkind)) as used
    from pg_catalog.pg_class c
   where c.relname in ('pg_stats_ext', 'pg_stats_ext_exprs') and c.relnamespace = 'pg_catalog'::regnamespace
     and pg_get_viewdef(c.oid) !~ 'pg_has_role'
     and exists (select from tenant_roles r
                   join pg_catalog.pg_roles k on k.rolname = r.role and has_table_privilege(k.oid, c.oid, 'SELECT'))
)
select g.cve as object, case when g.minor is null then 'pass' else 'fail' end as outcome,
       case when g.minor is null then format('%s.%s is not affected', s.major, s.minor)
            else format('%s (fixed in %s.%s): https://www.postgresql.org/support/security/%s/', g.about, g.major,
                        g.minor, g.cve) end as detail,
       case when g.minor is not null
            then format('select current_setting(''server_version_num'')::int >= %s as patched;  -- expected: t',
                        g.major * 10000 + g.minor) end as evidence,
       case when g.minor is not null
            then concat_ws(E'\n', '-- update the server to the latest minor version: binaries and a restart, no dump',
                        case when s.assumed is not null
                             then format('alter database %I reset harness.assume_server_version;',
                                         current_database()) end)
             end as fix,
       -- without children the policies hold
       case when g.cve = 'CVE-2025-8713'
                 and not exists (select from tenant_tables t
                                   join pg_catalog.pg_inherits i on i.inhparent = to_regclass(t.relation))
                                   then 'low' end as severity
  from gates g, server s
 union all
select 'CVE-2024-4317', case when v.unpatched is null then 'pass' else 'fail' end,
       case when v.unpatched is null then 'the views of extended statistics show tenant roles nothing'
            else format(
                '%s still as before the fix, whatever the version: values of CREATE STATISTICS are readable for '
                'everybody: https://www.postgresql.org/support/security/CVE-2024-4317/',
                        case when v.unpatched like '%,%' then v.unpatched || ' are' else v.unpatched || ' is' end) end,
       case when v.unpatched is not null
            then 'select pg_get_viewdef(''pg_catalog.pg_stats_ext''::regclass) ~ ''pg_has_role'';  -- expected: t' end,
       case when v.unpatched is not null
            then format(
                E'-- or, as the release notes say, run fix-CVE-2024-4317.sql of the server''s share folder in every '
                 'database\nrevoke select on pg_catalog.%s from public, %s;',
                        replace(v.unpatched, ', ', ', pg_catalog.'),
                        (select string_agg(quote_ident(k.rolname), ', ') from tenant_roles r
                           join pg_catalog.pg_roles k on k.rolname = r.role)) end,
       case when not v.used then 'low' end
  from views v
 order by object
