-- code: H108
-- name: limit-server-roles
-- title: No tenant role reaches one of the server's own roles
-- severity: high
-- kind: catalogue
-- uses: tenant_roles
-- sources: bypass catalogue row 48; https://www.postgresql.org/docs/current/predefined-roles.html
with powers (rolname, severity, opens) as (
  values
    ('pg_execute_server_program', 'critical', 'it runs programs as the server''s OS user'),
    ('pg_read_server_files', 'critical', 'it reads any file of the server, the tables'' own files among them'),
    ('pg_write_server_files', 'critical', 'it writes any file of the server'),
    -- row security still holds, which is no help with pg_statistic (sampled values of every tenant) and pg_authid
    -- (password hashes)
    ('pg_read_all_data', 'high',
     'it reads every table without row security, the statistics'' sampled values and the password hashes among them'),
    ('pg_write_all_data', 'high', 'it writes every table without row security'),
    ('pg_create_subscription', 'medium', 'it may bring in rows from another server'),
    ('pg_monitor', 'medium', 'it sees the statements of all sessions, with the values in them'),
    ('pg_read_all_stats', 'medium', 'it sees the statements of all sessions, with the values in them'),
    ('pg_signal_backend', 'medium', 'it may end the sessions of others'),
    ('pg_maintain', 'low', 'it may lock and rewrite every table'),
    ('pg_stat_scan_tables', 'low', 'it may lock and scan every table'),
    ('pg_read_all_settings', 'low', 'it reads the settings that are hidden from others'),
    ('pg_checkpoint', 'low', 'it may slow the server down'),
    ('pg_use_reserved_connections', 'low', 'it may use up the last connections'),
    ('pg_signal_autovacuum_worker', 'low', 'it may hold up the clean-up of tables')
),
-- since 16 a membership may be without any use; with ADMIN a role can make it useful to itself
rights as (
  select case when current_setting('server_version_num')::int >= 160000 then 'SET, MEMBER WITH ADMIN OPTION'
              else 'MEMBER' end as become,
         case when current_setting('server_version_num')::int >= 160000 then 'USAGE, SET, MEMBER WITH ADMIN OPTION'
              else 'MEMBER' end as use
),
reached as materialized (
  select distinct t.role, k.oid as tenant, s.oid as power, p.rolname, p.severity, p.opens
    from tenant_roles t
    join pg_catalog.pg_roles k on k.rolname = t.role and not k.rolsuper  -- that is 4a's
   cross join rights r
    join pg_catalog.pg_roles g on g.oid = k.oid or not g.rolsuper and pg_has_role(k.oid, g.oid, r.become)
   cross join powers p
    join pg_catalog.pg_roles s on s.rolname = p.rolname and pg_has_role(g.oid, s.oid, r.use)
   -- what a role that escapes row security brings with it is 4a's
   where not exists (select from pg_catalog.pg_roles e
                      where (e.rolsuper or e.rolbypassrls) and e.oid <> k.oid and pg_has_role(k.oid, e.oid, r.use)
                        and pg_has_role(e.oid, s.oid, 'MEMBER'))
)
select case when x.rolname is null then quote_ident(t.role) else format('%I in %I', t.role, x.rolname) end as object,
       case when x.rolname is null then 'pass' else 'fail' end as outcome,
       case when x.rolname is null then 'it reaches none of them'
            else format('%I reaches %I: %s', t.role, x.rolname, x.opens) end as detail,
       case when x.rolname is not null
            then format('select pg_has_role(%L, %L, ''MEMBER'');  -- expected: f', t.role, x.rolname) end as evidence,
       (select string_agg(format('revoke %I from %I%s;', b.rolname, t.role,
                                 case when current_setting('server_version_num')::int >= 160000
                                      then format(' granted by %I', g.rolname) else '' end), E'\n' order by b.rolname)
          from pg_catalog.pg_auth_members m
          join pg_catalog.pg_roles b on b.oid = m.roleid
          join pg_catalog.pg_roles g on g.oid = m.grantor
         where m.member = x.tenant and pg_has_role(b.oid, x.power, 'MEMBER')) as fix,
       x.severity as severity
  from tenant_roles t
  -- of those that are members of each other (pg_monitor has three) the outermost
  left join reached x on x.role = t.role
        and not exists (select from reached o
                         where o.role = x.role and o.power <> x.power and pg_has_role(o.power, x.power, 'MEMBER'))
