-- The home of PII protection. Everything that touches a key belongs to app_pii, a role that nobody logs in as and that
-- row security binds: it owns functions and views, and no table.
do $$
declare
  missing constant text := (
    select string_agg(role, ', ') from unnest(array['app_pii', 'pii_reader', 'app_background']) as role where to_regrole(role) is null
  );
begin
  if missing is not null then
    raise undefined_object using
      message = format('these roles of PII protection do not exist: %s', missing),
      hint = 'Run "harness setup" on this branch first.';
  end if;
  if pg_catalog.getdatabaseencoding() <> 'UTF8' then
    raise feature_not_supported using
      message = format('PII protection needs a database in UTF8, and this one is in %s', pg_catalog.getdatabaseencoding()),
      hint = 'Normalisation is defined on Unicode: the same address must give the same index everywhere.';
  end if;
end
$$;

create schema if not exists pii;
comment on schema pii is 'PII protection: sealed columns, the keys of the tenants, blind indexes, masks.';

-- USAGE for everybody, since views and statements of every role name functions in here. The functions are closed one by one.
revoke all on schema pii from public;
grant usage on schema pii to public;
grant create on schema pii to app_pii;
grant usage on schema tenancy to app_pii;
