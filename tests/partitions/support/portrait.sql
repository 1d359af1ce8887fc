-- All that a table is, in one JSON object, so that two moments can be compared: $1 is its name.
with t as (
  select c.*, c.relnamespace::regnamespace::text as schema_name from pg_class c where c.oid = $1::regclass
), acl as (
  select a.kind, a.name, coalesce((
    select jsonb_agg(format('%s=%s%s', case when g.grantee = 0 then 'public' else pg_get_userbyid(g.grantee) end,
                            g.privilege_type, case when g.is_grantable then '*' end) order by g.grantee::regrole::text,
                            g.privilege_type)
    from aclexplode(a.acl) g), '[]') as list
  from (
    select 'table' as kind, '' as name, t.relacl as acl from t
    union all select 'column', a.attname, a.attacl from pg_attribute a join t on a.attrelid = t.oid
               where a.attacl is not null
    union all select 'sequence', q.relname, q.relacl from pg_depend d join t on d.refobjid = t.oid
                join pg_class q on q.oid = d.objid and q.relkind = 'S'
    union all select 'view', v.relname, v.relacl from pg_class v
               where v.relkind = 'v' and v.relnamespace = (select relnamespace from t)
  ) a
)
select jsonb_build_object(
  'table',
  (select jsonb_build_object('owner', pg_get_userbyid(relowner), 'security', relrowsecurity, 'forced',
                             relforcerowsecurity, 'identity', relreplident,
    'comment', obj_description(oid, 'pg_class')) from t),
  'columns',
  (select jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'collation',
                                       attcollation::regcollation::text, 'required', attnotnull,
    'default', pg_get_expr(d.adbin, d.adrelid), 'identity', attidentity, 'generated', attgenerated, 'storage',
    attstorage, 'target', greatest(coalesce(attstattarget, -1), -1),
    'options', attoptions, 'comment', col_description(attrelid, attnum)) order by attnum)
    from pg_attribute a join t on a.attrelid = t.oid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where attnum > 0 and not attisdropped),
  'constraints',
  (select jsonb_agg(jsonb_build_array(conname, pg_get_constraintdef(k.oid), convalidated,
                                      obj_description(k.oid, 'pg_constraint')) order by conname)
    from pg_constraint k join t on k.conrelid = t.oid where contype in ('c', 'f', 'p', 'u', 'x')),
  'indexes',
  (select jsonb_agg(jsonb_build_array(replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), indisvalid,
                                      obj_description(indexrelid, 'pg_class')) order by indexrelid::regclass::text)
    from pg_index i join t on i.indrelid = t.oid),
  'statistics',
  (select jsonb_agg(jsonb_build_array(pg_get_statisticsobjdef(x.oid), coalesce(stxstattarget, -1),
                                      obj_description(x.oid, 'pg_statistic_ext')) order by stxname)
                                        from pg_statistic_ext x join t on x.stxrelid = t.oid),
  'triggers',
  (select jsonb_agg(jsonb_build_array(pg_get_triggerdef(g.oid), tgenabled, obj_description(g.oid, 'pg_trigger'))
                    order by tgname) from pg_trigger g join t on g.tgrelid = t.oid where not tgisinternal),
  'policies',
  (select jsonb_agg(jsonb_build_array(polname, polcmd, polpermissive,
                                      (select array_agg(r::regrole::text order by 1) from unnest(polroles) r),
                                      pg_get_expr(polqual, polrelid),
    pg_get_expr(polwithcheck, polrelid), obj_description(p.oid, 'pg_policy')) order by polname) from pg_policy p
      join t on p.polrelid = t.oid),
  'privileges', (select jsonb_agg(jsonb_build_array(kind, name, list) order by kind, name) from acl),
  'sequences',
  (select jsonb_agg(jsonb_build_array(q.relname, a.attname, d.deptype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
                                      s.seqcache, s.seqcycle) order by q.relname)
    from pg_depend d join t on d.refobjid = t.oid join pg_class q on q.oid = d.objid and q.relkind = 'S'
    join pg_sequence s on s.seqrelid = q.oid join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid),
  'publications', (select jsonb_agg(to_jsonb(p) order by p.pubname) from pg_publication_tables p
                     join t on p.schemaname = t.schema_name and p.tablename = t.relname),
  'inbound',
  (select jsonb_agg(jsonb_build_array(conname, conrelid::regclass, pg_get_constraintdef(k.oid), convalidated,
                                      obj_description(k.oid, 'pg_constraint')) order by conname) from pg_constraint k
                                        join t on k.confrelid = t.oid where conparentid = 0),
  'views',
  (select jsonb_agg(jsonb_build_array(v.relname, pg_get_viewdef(v.oid), v.reloptions,
                                      obj_description(v.oid, 'pg_class')) order by v.relname) from pg_class v
                                        where v.relkind = 'v' and v.relnamespace = (select relnamespace from t)),
  'functions', (select jsonb_agg(pg_get_functiondef(p.oid) order by p.proname) from pg_proc p
                 where p.prosqlbody is not null and p.pronamespace = (select relnamespace from t)),
  'others',
  (select jsonb_agg(jsonb_build_array(polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
                    order by polname) from pg_policy p join t on p.polrelid <> t.oid
                     join pg_class o on o.oid = p.polrelid and o.relnamespace = t.relnamespace and not o.relispartition)
) as portrait
