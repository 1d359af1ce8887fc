-- Whether the set-up may go ahead unasked: this database is of our making, or nothing is in it that its grants would
-- open. Ours are those whose schema tenancy holds what protects the tables.
select exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
                where n.nspname = 'tenancy' and p.proname = 'protect')
    or not exists (select from pg_catalog.pg_class c
                     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm', 'f')
                      and not exists (select from pg_catalog.pg_depend d
                                       where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                                         and d.deptype = 'e')) as ours
