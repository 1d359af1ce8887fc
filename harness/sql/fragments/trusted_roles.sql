-- uses: login
-- Whose code this session may run as itself. Superusers need no trick, and nobody turns against oneself. A role that
-- nobody can log in as, and whose members are all of these, writes no code that they did not write.
trusted_roles as (
  select k.oid
    from login s
   cross join pg_catalog.pg_roles k
   where k.rolsuper or k.oid = s.oid
      or not k.rolcanlogin
         and not exists (select from pg_catalog.pg_roles m
                          where m.oid <> k.oid and not m.rolsuper and m.oid <> s.oid and m.rolcanlogin
                            and pg_catalog.pg_has_role(m.oid, k.oid, 'MEMBER'))
      -- whoever is a member of all that this login is a member of gains nothing by it
      or not s.strong
         and not exists (select from pg_catalog.pg_shdepend o
                          where o.refclassid = 'pg_catalog.pg_authid'::regclass and o.refobjid = s.oid
                            and o.deptype = 'o')
         and not exists (select from pg_catalog.pg_roles r
                          where r.oid <> s.oid and pg_catalog.pg_has_role(s.oid, r.oid, 'MEMBER')
                            and not pg_catalog.pg_has_role(k.oid, r.oid, 'MEMBER'))
)
