-- The tables of a database never seen before, and what is known of each: one row per table, also where nothing was
-- found. Last of three parts of one query, behind session-keys.sql and tenant-columns.sql.
,
-- Membership: a table that says which tenants a user belongs to. One of its columns is of the tenant column's kind,
-- another is compared with the session.
member_columns as materialized (
  select distinct g.policy, g.relid, a.attname, a.attnum, a.atttypid
    from reading g
    join pg_catalog.pg_attribute a on a.attrelid = g.relid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type t on t.oid = a.atttypid and (t.typcategory in ('S', 'N') or t.oid = 'uuid'::regtype)
   where exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = g.policy
                    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = g.relid
                    and d.refobjsubid = a.attnum)
      or exists (select from policy_functions pf join walk w on w.root = pf.function
                   join functions f on f.oid = w.function
                  where pf.policy = g.policy
                    and f.body ~ ('(?<![\w$])' || regexp_replace(a.attname, '([^\w])', '\\\1', 'g') || '(?![\w$])'))
),
memberships as materialized (
  select distinct on (c.polrelid) c.polrelid, m.relid, m.attname as tenant, u.attname as member,
         u.atttypid as member_type
    from chosen c
    join scored s on s.polrelid = c.polrelid and s.attname = c.attname and s.score = c.score
     and (s.queries or cardinality(s.functions) > 0 or s.score < 4)
    join member_columns m on m.policy = s.policy
    join member_columns u on u.policy = s.policy and u.relid = m.relid and u.attnum <> m.attnum
   where exists (select from policy_keys k where k.policy = s.policy)
     and m.atttypid = c.atttypid
     and (m.attname = c.attname
       or exists (select from pg_catalog.pg_constraint f
                   where f.contype = 'f' and f.conrelid = m.relid and f.conkey = array[m.attnum]
                     and f.confrelid = c.polrelid and f.confkey = array[c.attnum])
       or exists (select from pg_catalog.pg_constraint f
                   where f.contype = 'f' and f.conrelid = c.polrelid and f.conkey = array[c.attnum]
                     and f.confrelid = m.relid and f.confkey = array[m.attnum]))
     -- the other column is a user's by its name, or it is what that table's own policies compare with the same context
     and (u.attname ~* '(user|member|account|profile|person|employee|staff|auth|sub)'
       or exists (select from chosen o
                    join scored x on x.polrelid = o.polrelid and x.attname = o.attname and x.score = 4
                    join policy_keys k on k.policy = s.policy and k.key = any (x.keys)
                   where o.polrelid = u.relid and o.attname = u.attname
                     and not x.queries and not x.functions && array(select function from looking)))
     and not exists (select from only_key k where k.indrelid = u.relid and k.attnum = u.attnum)
   order by c.polrelid, u.attname ~* '(user|member|account|profile|person|employee|staff|auth|sub)' desc,
            m.attname = c.attname desc, u.atttypid = 'uuid'::regtype desc, m.relid, m.attnum, u.attnum
)
select r.oid::text as oid, r.nspname as schema, r.relname as name, r.nspname || '.' || r.relname as "plainName",
       r.relation,
       r.relrowsecurity as "rowSecurity", r.relispartition as "isPartition",
       coalesce(p.policies, 0)::int as policies,
       f.attname as column, pg_catalog.format_type(f.atttypid, null) as type, f.source, f.score,
       exists (select from only_key k where k.indrelid = r.oid and k.attnum = f.attnum) as "isKey",
       coalesce(case when c.claim_uses >= c.setting_uses or c.setting is null then c.claim end, '{}')
         || coalesce(case when c.setting_uses >= c.claim_uses or c.claim is null then c.setting end, '{}') as context,
       case when m.relid is not null
            then jsonb_build_object('table',
                                    (select n.nspname || '.' || k.relname from pg_catalog.pg_class k
                                       join pg_catalog.pg_namespace n on n.oid = k.relnamespace where k.oid = m.relid),
                                                             'member', m.member, 'tenant', m.tenant) end as membership,
       (select jsonb_build_object('table', p.nspname || '.' || p.relname, 'key', k.parent_key) from children k
          join relations p on p.oid = k.parent where k.oid = r.oid) as parent,
       exists (select from claims x where x.path[cardinality(x.path)] = 'role') as "readsRole",
       -- rows that belong to a role of the server: no setting of the session says who asks
       coalesce(p.reads_user, false) as "readsUser"
  from relations r
  left join found f on f.oid = r.oid
  left join contexts c on c.polrelid = r.oid
  left join memberships m on m.polrelid = r.oid
  left join (select polrelid, count(*) as policies,
             bool_or(text ~* '\m(current_user|session_user|current_role)\M') as reads_user
               from policies group by polrelid) as p on p.polrelid = r.oid
 order by r.relation
