-- code: H107
-- name: close-children
-- title: Partitions and inheritance children are closed to tenant roles, or isolate by themselves
-- severity: critical
-- kind: catalogue
-- uses: model, tenant_tables, tenant_roles
-- sources: bypass catalogue rows 36, 37 and 50; https://www.postgresql.org/docs/current/ddl-rowsecurity.html
-- Only the policies of the table that a statement names are applied: not the parent's when it names a child, and not
-- the children's when it names the parent.
select m.object,
       case when m.fault is not null then 'fail' when m.doubt is not null then 'skipped' else 'pass' end as outcome,
       coalesce(m.fault, m.doubt, m.fine) as detail,
       case when m.fault is null then null
            when m.reads
            then format(
                E'begin;\nset local role %I;\nselect count(*) from %s;  -- expected: permission denied, or 0: there is '
                 'no context\nrollback;', m.role, m.object)
            else format(
                'select privilege, has_any_column_privilege(%L, %L, privilege) from unnest(array[''SELECT'', '
                '''INSERT'', ''UPDATE'']) as privilege;', m.role, m.object) end as evidence,
       case when m.fault is null then null
            when m.is_parent then format('alter table %s enable row level security, force row level security;',
                                         m.object)
              -- policies like those of a child, unless their text names the child
              || coalesce((select string_agg(format(E'\ncreate policy %I on %s as %s for %s to %s%s%s;', p.polname,
                                                    m.object,
                                                   case when p.polpermissive then 'permissive' else 'restrictive' end,
                                                   case p.polcmd when 'r' then 'select' when 'a' then 'insert'
                                                        when 'w' then 'update' when 'd' then 'delete' else 'all' end,
                                                   (select string_agg(case r.oid when 0 then 'public'
                                                                           else quote_ident(g.rolname) end, ', ')
                                                      from unnest(p.polroles) as r (oid)
                                                      left join pg_catalog.pg_roles g on g.oid = r.oid),
                                                   E'\n  using (' || e.visible_if || ')',
                                                   E'\n  with check (' || e.writable_if || ')'), '' order by p.polname)
                             from pg_catalog.pg_policy p
                             join pg_catalog.pg_class k on k.oid = p.polrelid
                            cross join lateral (select pg_get_expr(p.polqual, p.polrelid) as visible_if,
                                                pg_get_expr(p.polwithcheck, p.polrelid) as writable_if) as e
                            where p.polrelid = m.other
                              and strpos(concat(e.visible_if, e.writable_if), quote_ident(k.relname) || '.') = 0
                              and not exists (select from pg_catalog.pg_policy q
                                               where q.polrelid = m.oid and q.polname = p.polname)), '')
            else concat_ws(E'\n', 'revoke all on table ' || m.object || ' from ' || g.names || ';',
                                  case when g.names is null or m.owned
                                       or m.relrowsecurity
                                       then format(
                                           'alter table %s enable row level security, force row level security;',
                                           m.object) end,
                                  (select string_agg(format('drop policy %I on %s;', p, m.object), E'\n')
                                     from unnest(m.careless) as p)) end as fix,
       case when m.fault is not null and not m.reads and m.privileges = 'insert' then 'high' end as severity
  from (
    with recursive edges as materialized (
      select i.inhparent, i.inhrelid
        from pg_catalog.pg_inherits i
        join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relkind in ('r', 'p') and c.relpersistence <> 't'
    ),
    tree as (
      select inhparent as ancestor, inhrelid as descendant from edges
       union
      select t.ancestor, e.inhrelid from tree t join edges e on e.inhparent = t.descendant
    ),
    members as materialized (
      select c.oid, c.relowner, c.relnamespace, c.relrowsecurity, format('%I.%I', n.nspname, c.relname) as object,
             tt.oid is not null as modelled,
             (c.relrowsecurity or tt.oid is not null)
               and not (model -> 'exempt') ? (n.nspname || '.' || c.relname) as guarded,
             (model -> 'exempt') ? (n.nspname || '.' || c.relname) as exempt
        from (select ancestor as oid from tree union select descendant from tree) as t
        join pg_catalog.pg_class c on c.oid = t.oid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       cross join model
        left join tenant_tables as tt on tt.oid = c.oid
    ),
    -- a child below something that is guarded, and a parent without row security above something that has it
    concerned as (
      select distinct on (d.oid) d.*, a.oid as other, a.object as other_object, false as is_parent
        from tree t
        join members d on d.oid = t.descendant and not d.exempt
        join members a on a.oid = t.ancestor and a.guarded
       order by d.oid, a.relrowsecurity desc, a.oid
    ),
    above as (
      select distinct on (a.oid) a.*, d.oid as other, d.object as other_object, true as is_parent
        from tree t
        join members a on a.oid = t.ancestor and not a.exempt and not a.relrowsecurity
        join members d on d.oid = t.descendant and d.relrowsecurity
       order by a.oid, d.oid
    ),
    reached as (
      select c.*, r.role, r.privileges, r.reads, r.owned, p.policies, p.careless, p.strange, p.floors
        from (select * from concerned union all select * from above) as c
        left join lateral (select r.role, string_agg(lower(p.privilege), ', ' order by p.place) as privileges,
                           bool_or(p.privilege = 'SELECT') as reads,
                                  bool_or(pg_has_role(k.oid, c.relowner, 'USAGE')) as owned
                             from tenant_roles r
                             join pg_catalog.pg_roles k on k.rolname = r.role
                            cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) with ordinality
                                  as p (privilege, place)
                            where has_schema_privilege(k.oid, c.relnamespace, 'USAGE')
                              and case p.privilege when 'DELETE' then has_table_privilege(k.oid, c.oid, p.privilege)
                                                   else has_any_column_privilege(k.oid, c.oid, p.privilege) end
                            group by r.role order by r.role limit 1) as r on true
        -- what can be said of row security that no probe has tried
        left join lateral (select count(*) filter (where p.polpermissive) as policies,
                           count(*) filter (where not p.polpermissive) as floors,
                                  array_agg(p.polname
                                            order by p.polname)
                                                  filter (where p.polpermissive
                                                          and 'true' in (e.visible_if, e.writable_if)) as careless,
                                  bool_or(p.polpermissive and not exists (select from pg_catalog.pg_policy q
                                                                           where q.polrelid = c.other
                                                                             and q.polcmd in ('*', p.polcmd)
                                                                             and pg_get_expr(q.polqual, q.polrelid)
                                                                                 is not distinct from e.visible_if
                                                                             and pg_get_expr(q.polwithcheck, q.polrelid)
                                                                                 is not distinct from e.writable_if))
                                                                                     as strange
                             from pg_catalog.pg_policy p
                            cross join lateral (select pg_get_expr(p.polqual, p.polrelid) as visible_if,
                                                pg_get_expr(p.polwithcheck, p.polrelid) as writable_if) as e
                            where p.polrelid = c.oid
                              and exists (select from unnest(p.polroles) as o, tenant_roles r
                                            join pg_catalog.pg_roles k on k.rolname = r.role
                                           where o = 0 or pg_has_role(k.oid, o, 'USAGE'))) as p
          on c.relrowsecurity and not c.modelled and not c.is_parent and r.role is not null
    )
    select r.*,
           case when r.role is null then null
                when r.is_parent
                then format('row security is on in %s and off here: %I has %s, and reaches all rows through it',
                            r.other_object, r.role, r.privileges)
                when not r.relrowsecurity
                then format('%I has %s on it, and row security of %s does not apply to whoever names the child',
                            r.role, r.privileges, r.other_object)
                when r.careless is not null
                     and r.floors = 0 then format('%I has %s on it, and its own policy %I lets all rows through',
                                                  r.role, r.privileges, r.careless[1]) end as fault,
           case when r.role is not null and r.relrowsecurity and r.strange
                then format(
                    '%I has %s on it, and its policies are not those of %s: list its schema under isolation.schemas, '
                    'so that they are probed', r.role, r.privileges, r.other_object) end as doubt,
           case when r.role is null then 'no tenant role reaches it'
                when r.modelled then 'has row security of its own, which the probes judge'
                when r.policies = 0 then 'has row security and no policy for a tenant role: it is closed'
                else format('has the policies of %s', r.other_object) end as fine
      from reached r
  ) as m
  left join lateral (select string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(g.rolname) end,
                                       ', ') as names
                       from (select a.grantee from pg_catalog.pg_class c, aclexplode(c.relacl) as a where c.oid = m.oid
                              union
                             select a.grantee from pg_catalog.pg_attribute c, aclexplode(c.attacl) as a
                              where c.attrelid = m.oid) as a
                       left join pg_catalog.pg_roles g on g.oid = a.grantee
                      where a.grantee <> m.relowner
                        and (a.grantee = 0
                             or exists (select from tenant_roles r join pg_catalog.pg_roles k on k.rolname = r.role
                                         where pg_has_role(k.oid, a.grantee, 'USAGE')))) as g
    on m.fault is not null
 order by m.object
