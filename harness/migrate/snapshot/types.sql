-- Enums, domains, ranges and composite types; the columns of the last are in columns.sql.
select 'pg_catalog.pg_type'::regclass, t.oid, 0, format('type %I.%I', s.nspname, t.typname),
       case t.typtype
         when 'e' then 'enum ' || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                                     from pg_catalog.pg_enum as e where e.enumtypid = t.oid)
         when 'd' then concat_ws(E'\n',
           concat_ws(' ', 'domain of', pg_catalog.format_type(t.typbasetype, t.typtypmod),
             case when t.typnotnull then 'not null' end, 'default ' || t.typdefault),
           (select string_agg(format('constraint %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)), E'\n'
                              order by k.conname)
              from pg_catalog.pg_constraint as k where k.contypid = t.oid and k.contype <> 'n'))
         when 'r' then (select 'range of ' || r.rngsubtype::regtype::text from pg_catalog.pg_range as r
                         where r.rngtypid = t.oid)
         when 'm' then 'multirange'
         when 'c' then 'composite'
         else 'base'
       end,
       t.typowner, t.typacl, 'T'::"char"
  from schemas as s
  join pg_catalog.pg_type as t on t.typnamespace = s.oid
 where t.typelem = 0 and (t.typtype <> 'c' or t.typrelid in (select c.oid from relations as c where c.relkind = 'c'))
