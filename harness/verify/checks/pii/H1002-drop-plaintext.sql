-- code: H1002
-- name: drop-plaintext
-- title: Where the plaintext is retired there is none, and a constraint keeps it out
-- severity: high
-- kind: catalogue
-- uses: pii_columns
-- sources: https://www.postgresql.org/docs/current/sql-altertable.html (VALIDATE CONSTRAINT)
-- No row is read: a validated constraint is the server's own proof for all of them.
with pii_states as materialized (
  select c.*,
         exists (select from pg_catalog.pg_constraint k
                  where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[c.attnum]
                    and (k.convalidated or c.phase = 'retiring')
                    and coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
                    and pg_get_expr(k.conbin, k.conrelid) = format('(%I IS NULL)', c.attname)) as closed
    from pii_columns c
   where c.phase in ('retiring', 'retired')
)
select format('%s.%I', s.relation, s.attname) as object,
       case when s.fault is null then 'pass' else 'fail' end as outcome,
       coalesce(s.fault, 'nothing can stand in clear here') as detail,
       case when s.fault is not null
            then format(
                E'begin;\nset local role app_background;\nselect tenancy.set_job(''look'');\nselect count(%I) from %s; '
                 ' -- expected: 0\nrollback;', s.attname, s.relation) end as evidence,
       case when s.fault is null then null
            when s.derived then format('alter table %s drop column %I;', s.relation, s.attname)
            else format(E'alter table %1$s add constraint %2$I check (%3$I is null) not valid;\n'
                        '-- what stands in clear is dropped, and sealed if it is not yet: needs app.pii.key in this '
                        'session\n'
                        'begin;\nset local role app_background;\nselect tenancy.set_job(''pii'');\n'
                        'update %1$s set %4$I = %4$I where %3$I is not null;\ncommit;\n'
                        'alter table %1$s validate constraint %2$I;',
                        s.relation, s.attname || '_stays_sealed', s.attname, s.attname || '_encrypted') end as fix,
       null::text as severity
  from (select s.*,
        case when s.derived and s.phase = 'retired' then format('it holds in clear what is derived from %I', s.protects)
                         when s.derived then null
                         when not s.closed
                         then format('in phase %s, and no %s constraint says that it is empty', s.phase,
                                                       case s.phase when 'retired' then 'validated'
                                                            else 'CHECK' end) end as fault
          from pii_states s) as s
 order by s.derived, object
