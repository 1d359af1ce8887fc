-- code: H605
-- name: guard-large-objects-and-sequences
-- title: No tenant role reads large objects or sets a sequence
-- severity: medium
-- kind: catalogue
-- uses: confined_roles, model
-- sources: bypass catalogue row 45; https://www.postgresql.org/docs/current/lo-implementation.html;
--   https://www.postgresql.org/docs/current/ddl-priv.html
-- Large objects have no row security, and their numbers are in a catalogue that everybody reads. USAGE and SELECT on
-- sequences are by contract; with UPDATE, setval() makes the next insert of every tenant collide.
-- by owner and privileges, so that millions are a few rows
with objects as materialized (
  select m.lomowner, m.lomacl::text as acl, count(*) as objects, min(m.oid::bigint) as example
    from pg_catalog.pg_largeobject_metadata m
   group by m.lomowner, m.lomacl::text
),
readable as materialized (
  select r.role, sum(o.objects) as objects, min(o.example) as example
    from confined_roles r
    join objects o
      on pg_has_role(r.oid, o.lomowner, 'USAGE')
      or exists (select from aclexplode(nullif(o.acl, '{}')::aclitem[]) as a
                  where a.grantee = 0 or pg_has_role(r.oid, a.grantee, 'USAGE'))
   group by r.role
),
sequences as (
  select format('%I.%I', n.nspname, c.relname) as object, c.oid, c.relowner, x.role, g.names
    from model
   cross join lateral jsonb_array_elements_text(model -> 'schemas') as s (name)
    join pg_catalog.pg_namespace n on n.nspname = s.name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind = 'S'
    left join lateral (select r.role from confined_roles r
                        where has_sequence_privilege(r.oid, c.oid, 'UPDATE')
                          and not pg_has_role(r.oid, c.relowner, 'USAGE') order by r.role limit 1) as x on true
    left join lateral (select string_agg(distinct case a.grantee when 0 then 'public' else quote_ident(k.rolname) end,
                                         ', ') as names
                         from aclexplode(coalesce(c.relacl, acldefault('s', c.relowner))) as a
                         left join pg_catalog.pg_roles k on k.oid = a.grantee
                        where a.privilege_type = 'UPDATE'
                          and (a.grantee = 0
                               or exists (select from confined_roles r where pg_has_role(r.oid, a.grantee, 'USAGE'))))
                                  as g on x.role is not null
   where not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
)
select 'large objects' as object, 'fail' as outcome,
       format('%I reads %s large objects, whosever they are', w.role, w.objects) as detail,
       format(E'begin;\nset local role %I;\nselect length(lo_get(%s));  -- expected: permission denied\nrollback;',
              w.role, w.example) as evidence,
       -- every one of them, in one block
       format(
           E'do $$\ndeclare\n  o record;\nbegin\n  for o in select m.oid, m.lomowner, m.lomacl from '
            'pg_catalog.pg_largeobject_metadata m loop\n'
              '    execute format(''revoke all on large object %%s from public, %s'', o.oid);\n'
              '    if exists (select from unnest(%L::name[]) as r where pg_has_role(r, o.lomowner, ''USAGE'')) then\n'
              '      execute format(''alter large object %%s owner to %%I'', o.oid, current_user);\n    end if;\n  end '
              'loop;\nend\n$$;',
              replace((select string_agg(quote_ident(role), ', ') from confined_roles), '''', ''''''),
              (select array_agg(role) from confined_roles)) as fix,
       null::text as severity
  from (select role, objects, example from readable order by role limit 1) as w
 union all
select 'lo_compat_privileges', 'fail',
       format('large objects have no privileges: any role reads and writes all of them%s',
              coalesce((select ' (' || sum(objects) || ')' from objects having sum(objects) > 0), '')),
       'show lo_compat_privileges;  -- expected: off',
       case (select source from pg_catalog.pg_settings where name = 'lo_compat_privileges')
         when 'database' then format('alter database %I reset lo_compat_privileges;', current_database())
         when 'user' then format('alter role %I reset lo_compat_privileges;', session_user)
         when 'database user' then format('alter role %I in database %I reset lo_compat_privileges;', session_user,
                                          current_database())
         else E'alter system reset lo_compat_privileges;\nselect pg_reload_conf();' end,
       case when exists (select from objects) then 'high' end
 where current_setting('lo_compat_privileges')::boolean
 union all
select q.object, case when q.role is null then 'pass' else 'fail' end,
       case when q.role is null then 'no tenant role sets it'
            else format('%I has UPDATE on it: setval() makes the next inserts of every tenant collide', q.role) end,
       case when q.role is not null then format('select has_sequence_privilege(%L, %L, ''UPDATE'');  -- expected: f',
                                                q.role, q.object) end,
       case when q.role is not null
            then format('revoke update on sequence %s from %s;', q.object, coalesce(q.names, quote_ident(q.role))) end,
       'low'
  from sequences q
 order by object
