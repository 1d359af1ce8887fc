-- What else lives in a schema: collations, text search, operator classes, extended statistics. That it is there, not
-- what it is.
select d.classid::regclass, d.objid, 0, format('%s %s', i.type, i.identity),
       case when d.classid = 'pg_catalog.pg_statistic_ext'::regclass
            then pg_catalog.pg_get_statisticsobjdef(d.objid) end, null, null, null
  from schemas as s
  join pg_catalog.pg_depend as d on d.refclassid = 'pg_catalog.pg_namespace'::regclass and d.refobjid = s.oid
   and d.objsubid = 0
 cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, 0) as i
 where d.classid not in (
   'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_type'::regclass,
   'pg_catalog.pg_constraint'::regclass,
   'pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_extension'::regclass, 'pg_catalog.pg_default_acl'::regclass)
