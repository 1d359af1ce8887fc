-- The table tenant_tables: every tenant table, each with a row of two tenants, mine and other.
create temporary table tenant_tables as
select
  c.oid::regclass as relation,
  a.attname as tenant_column,
  exists (select from pg_policy
           where polrelid = c.oid
             and polname in ('append_only_update', 'outbox_settle', 'confirmations_stand', 'table_hold_keys_stand'))
                 as append_only,
  'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'::uuid as mine,
  'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb'::uuid as other
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attname = case c.relname when 'restaurants' then 'id' else 'restaurant_id' end;

-- A row of either tenant in every table. Any values do, since the constraints that would mind are gone until the
-- rollback.
do $$
begin
  execute (
    select string_agg(format('alter table %s drop constraint %I', relation, conname), '; ' order by contype <> 'f')
    from pg_constraint join tenant_tables on relation = conrelid
    where contype in ('c', 'f', 'x') and conparentid = 0
  );
  grant select on tenant_tables to public;
  set local role app_background;
  set local app.job = 'pgtap';
  execute (
    select string_agg(insertion, '; ')
    from (
      select format(
        'insert into %s (%s) select %s from unnest(array[%L, %L]::uuid[]) as tenant',
        relation,
        string_agg(quote_ident(attname), ', ' order by attnum),
        string_agg(
          case
            when attname = tenant_column then 'tenant'
            when atttypid = 'uuid'::regtype then 'gen_random_uuid()'
            when atttypid in ('date'::regtype, 'timestamptz'::regtype) then 'now()'
            else '''1'''
          end, ', ' order by attnum
        ),
        mine, other
      ) as insertion
      from tenant_tables join pg_attribute on attrelid = relation
      -- A hold enters its own keys.
      where relation <> 'public.table_hold_keys'::regclass
        and (attname = tenant_column or attnum > 0 and attnotnull and not atthasdef and attidentity = '')
      group by relation, mine, other
    ) as insertions
  );
  reset role;
end
$$;

-- Adds a row that says no more than whose it is, and, where that decides about the partition, when: what has no
-- partition is refused before policies are asked.
create function pg_temp.insertion(relation regclass, tenant_column name, tenant uuid) returns text
language sql
as $$
  select format('insert into %s (%s) values (%s)', relation,
    concat_ws(', ', quote_ident(tenant_column), quote_ident(k.attname)),
    concat_ws(', ', quote_literal(tenant), case when k.attname is not null then 'now()' end))
  from (select) as one
  left join (pg_partitioned_table as p join pg_attribute as k on k.attrelid = p.partrelid and k.attnum = p.partattrs[0])
    on p.partrelid = relation
$$;
