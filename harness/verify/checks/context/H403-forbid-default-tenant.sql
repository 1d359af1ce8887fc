-- code: H403
-- name: forbid-default-tenant
-- title: No session starts as a tenant, with a stronger role or without row security by default
-- severity: high
-- kind: catalogue
-- uses: model, tenant_tables, tenant_roles
-- sources: bypass catalogue rows 30 and 31; https://www.postgresql.org/docs/current/sql-alterrole.html
-- ALTER ROLE … SET and ALTER DATABASE … SET are loaded at login: SET ROLE never loads those of the role that it changes
-- to. A default that names a tenant opens that tenant's rows to whoever forgets the context, and comes back with every
-- RESET and DISCARD.
with wanted as materialized (
  -- the settings of the context; of claims, the keys that name somebody
  select lower(s.name) as name, array_agg(distinct k.key) filter (where k.key is not null) as keys
    from model, jsonb_array_elements(model -> 'contexts') as c, jsonb_each_text(c -> 'settings') as s (name, value)
    left join lateral (select v ->> 'key' as key
                         from jsonb_path_query(case when s.value like '{"%' then s.value::jsonb end,
                                               '$.** ? (@.type() == "object").keyvalue()') as v
                        where jsonb_typeof(v -> 'value') <> 'object'
                          and v ->> 'key' not in ('role', 'aud', 'iss', 'exp')) as k on true
   where c ->> 'kind' = 'tenant'
   group by lower(s.name)
),
defaults as materialized (
  select d.setdatabase, d.setrole, r.rolname, r.oid as roloid, r.rolcanlogin,
         coalesce(r.rolsuper, false) as rolsuper, coalesce(r.rolbypassrls, false) as rolbypassrls, b.datname,
         lower(split_part(c, '=', 1)) as name, substr(c, strpos(c, '=') + 1) as value
    from pg_catalog.pg_db_role_setting d
   cross join unnest(d.setconfig) as c
    left join pg_catalog.pg_roles r on r.oid = d.setrole
    left join pg_catalog.pg_database b on b.oid = d.setdatabase
   where d.setdatabase = 0 or b.datname = current_database()
),
judged as (
  select d.*,
         concat_ws(' in ',
                   case when d.setrole <> 0 then format('role %I', d.rolname)
                        when d.setdatabase = 0 then 'all roles' end,
                   case when d.setdatabase <> 0 then format('database %I', d.datname) end) as whose,
         format('alter %s reset %s;',
                concat_ws(' in ',
                          case when d.setrole <> 0 then format('role %I', d.rolname)
                               when d.setdatabase = 0 then 'role all' end,
                          case when d.setdatabase <> 0 then format('database %I', d.datname) end),
                (select string_agg(quote_ident(part), '.' order by n)
                   from unnest(string_to_array(d.name, '.')) with ordinality as p (part, n))) as fix,
         d.setrole <> 0 and not d.rolcanlogin as never_loaded,
         case when w.keys is not null then
                -- nothing but those claims counts
                exists (select from unnest(w.keys) as k
                         where d.value ~ ('"' || regexp_replace(k, '([^\w])', '\\\1', 'g')
                                          || '"\s*:\s*\[?\s*("[^"]|[0-9])'))
              when w.name is not null then
                -- '' only makes the setting known; nil and 0 are nobody's keys
                d.value !~ '^\s*$' and d.value !~ '^[0-]+$' and d.value <> '-1'
                and (d.value ~* '^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$'
                     or exists (select from tenant_tables where type <> 'uuid'))
         end as names_tenant,
         -- what operators and backups start with is theirs: only of those from whom the application gets its tenant
         -- roles
         case when d.name = 'role' and a.application then s.rolname end as strong,
         d.name = 'row_security' and d.value in ('off', 'false', 'no', '0', 'f', 'n') and a.application
           and not (d.rolsuper or d.rolbypassrls) as off,
         -- a login of its own for each tenant: then there are several tenants to choose from
         d.setrole <> 0 and (select count(distinct o.value) > 1 and count(distinct o.setrole) > 1 from defaults o
                              where o.name = d.name and o.setrole <> 0) as each_its_own
    from defaults d
   cross join lateral (select d.setrole = 0
                       or exists (select from tenant_roles t join pg_catalog.pg_roles k on k.rolname = t.role
                                                       where pg_has_role(d.roloid, k.oid,
                                                                         case when current_setting(
                                                                             'server_version_num')::int >= 160000
                                                                             then 'SET'
                                                                             else 'MEMBER' end)) as application) as a
    left join wanted w on w.name = d.name
    left join pg_catalog.pg_roles s on d.name = 'role' and s.rolname = d.value and (s.rolsuper or s.rolbypassrls)
     and s.oid is distinct from d.setrole
   where w.name is not null or d.name in ('role', 'row_security')
)
select format('%s: %s', j.whose, j.name) as object,
       case when j.fault is null then 'pass' else 'fail' end as outcome,
       coalesce(j.fault,
                case when j.never_loaded then 'is never loaded: nobody logs in with this role'
                     else 'names no tenant and nothing stronger' end) as detail,
       case when j.fault is not null
            then format(
                'select setdatabase, setrole::regrole, c from pg_db_role_setting, unnest(setconfig) as c where '
                'starts_with(c, %L);', j.name) end as evidence,
       case when j.fault is not null then j.fix end as fix,
       case when j.off or j.each_its_own then 'low' when j.strong is not null then 'medium' end as severity
  from (
    select j.*,
           case when j.never_loaded then null
                when j.names_tenant
                     and j.each_its_own
                     then format(
                         'its sessions start as the tenant %L; nothing keeps them from setting another', left(
                             j.value, 80))
                when j.names_tenant
                then format(
                    'every session starts as the tenant %L: a forgotten context opens that tenant''s rows', left(
                        j.value, 80))
                when j.strong is not null
                then format('every session starts as %I, which no policy applies to, and RESET ROLE comes back to it',
                            j.strong)
                when j.off then 'row_security is off: where a policy applies, statements fail instead' end as fault
      from judged j
  ) as j
 order by object
