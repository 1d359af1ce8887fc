-- What refers to a table by its identity and not by its name: it would go on to refer to the old table once another one has the name. Where
-- the catalogue can write such an object down, the same text makes it again, read after the exchange; everything else is refused, also
-- what nobody has thought of.

create or replace function partitions.dependents(source regclass)
returns table (object text, statement text, reason text, hint text)
language plpgsql stable
set search_path = ''
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  -- In PL/pgSQL, whose plan is kept for the session: the swap asks this under its lock.
  return query
  with found as (
    select distinct d.classid, d.objid
    from pg_catalog.pg_depend as d
    where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = source
  ), views as (
    select c.oid, c.relkind, c.relname, n.nspname, c.relowner, c.reloptions, r.rulename
    from found as f
    join pg_catalog.pg_rewrite as r on r.oid = f.objid
    join pg_catalog.pg_class as c on c.oid = r.ev_class
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where f.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and c.oid <> source
  )
  select format('view %I.%I', v.nspname, v.relname),
    format('create or replace view %I.%I%s as %s', v.nspname, v.relname,
      (select ' with (' || string_agg(format('%I = %L', o.option_name, o.option_value), ', ') || ')' from pg_catalog.pg_options_to_table(v.reloptions) as o),
      pg_catalog.pg_get_viewdef(v.oid)),
    case when not pg_has_role(v.relowner, 'usage') then 'it reads the table, and belongs to another role' end,
    format('Become a member of %I, or drop the view meanwhile.', pg_catalog.pg_get_userbyid(v.relowner))
  from views as v where v.relkind = 'v' and v.rulename = '_RETURN'
  union all
  select format('materialized view %I.%I', v.nspname, v.relname), null, 'it reads the table, and cannot be redefined in place',
    'Drop it before, and create it again afterwards.'
  from views as v where v.relkind = 'm'
  union all
  select format('rule %I on %I.%I', v.rulename, v.nspname, v.relname), null, 'it refers to the table', 'Drop it: a trigger does the same.'
  from views as v where v.relkind <> 'm' and v.rulename <> '_RETURN'
  union all
  select format('function %s', p.oid::pg_catalog.regprocedure), pg_catalog.pg_get_functiondef(p.oid),
    case when not pg_has_role(p.proowner, 'usage') then 'its body refers to the table, and it belongs to another role' end,
    format('Become a member of %I, or drop the function meanwhile.', pg_catalog.pg_get_userbyid(p.proowner))
  from found as f join pg_catalog.pg_proc as p on p.oid = f.objid
  where f.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and p.prokind in ('f', 'p')
  union all
  select format('policy %I on %s', p.polname, p.polrelid::pg_catalog.regclass),
    case when p.polrelid <> source then
      format('alter policy %I on %s', p.polname, p.polrelid::pg_catalog.regclass)
        || coalesce(' using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || coalesce(' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') end,
    case
      when p.polrelid = source then 'it reads the table that it is on'
      when not pg_has_role(c.relowner, 'usage') then 'it reads the table, and is on a table of another role'
    end,
    case when p.polrelid = source then 'Put the question into a function that the policy calls.'
      else format('Become a member of %I.', pg_catalog.pg_get_userbyid(c.relowner)) end
  from found as f join pg_catalog.pg_policy as p on p.oid = f.objid join pg_catalog.pg_class as c on c.oid = p.polrelid
  where f.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
    -- Every policy depends on its own table; only the expression says whether it also reads it.
    and (p.polrelid <> source or concat(p.polqual, p.polwithcheck) ~ (':relid ' || source::pg_catalog.oid || '\M'))
  union all
  select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid), null, 'it uses the row type of the table',
    'Name the columns instead, or use a type of its own.'
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_class as c on c.oid = source
  join pg_catalog.pg_type as t on t.oid = c.reltype
  where d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.refobjid in (t.oid, t.typarray)
    and not (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.typarray)
  union all
  select pg_catalog.pg_describe_object(f.classid, f.objid, 0), null, 'it depends on the table in a way that is not carried over', 'Drop it meanwhile.'
  from found as f
  where case f.classid
    when 'pg_catalog.pg_rewrite'::pg_catalog.regclass then false
    when 'pg_catalog.pg_policy'::pg_catalog.regclass then false
    when 'pg_catalog.pg_type'::pg_catalog.regclass then false
    when 'pg_catalog.pg_publication_rel'::pg_catalog.regclass then false
    when 'pg_catalog.pg_constraint'::pg_catalog.regclass then false
    when 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass then false
    when 'pg_catalog.pg_attrdef'::pg_catalog.regclass then not exists (select from pg_catalog.pg_attrdef as a where a.oid = f.objid and a.adrelid = source)
    when 'pg_catalog.pg_trigger'::pg_catalog.regclass then not exists (select from pg_catalog.pg_trigger as t where t.oid = f.objid and t.tgrelid = source)
    when 'pg_catalog.pg_proc'::pg_catalog.regclass then not exists (select from pg_catalog.pg_proc as p where p.oid = f.objid and p.prokind in ('f', 'p'))
    when 'pg_catalog.pg_class'::pg_catalog.regclass then not exists (
      -- Its indexes, its TOAST table, the sequences of its columns; heirs are told elsewhere.
      select from pg_catalog.pg_class as c where c.oid = f.objid and c.relkind in ('i', 't', 'S')
        or c.oid = f.objid and exists (select from pg_catalog.pg_inherits as i where i.inhrelid = c.oid and i.inhparent = source))
    else true
  end;
end
$$;
comment on function partitions.dependents(regclass) is
  'What refers to a table by its identity. statement makes it refer to whatever has the name when it runs; without one, or with a reason, the '
  'object stands in the way.';

-- The catalogue does not know what rows name a table.
create or replace function partitions.rows_that_name(source regclass) returns table (object text)
language plpgsql stable
set search_path = ''
as $$
declare
  place record;
  found_one boolean;
begin
  for place in
    select c.oid::pg_catalog.regclass as relation, a.attname
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_class as c on c.oid = a.attrelid and c.relkind = 'r'
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where a.atttypid = 'pg_catalog.regclass'::pg_catalog.regtype and not a.attisdropped and n.nspname not in ('partitions', 'pg_catalog', 'information_schema')
      and n.nspname !~ '^pg_(toast|temp)' and has_table_privilege(c.oid, 'select')
    order by 1, 2
  loop
    execute format('select exists (select from %s where %I = $1)', partitions.whole_name(place.relation), place.attname) into found_one using source;
    if found_one then
      object := format('column %I of %s', place.attname, partitions.whole_name(place.relation));
      return next;
    end if;
  end loop;
end
$$;
comment on function partitions.rows_that_name(regclass) is 'Columns of type regclass in which a row names the table: they would go on to name the old one. As far as this role may read.';

revoke execute on function partitions.dependents(regclass), partitions.rows_that_name(regclass) from public;
