-- Work across tenants is for the role app_background in a transaction that says for which job. The role has no
-- BYPASSRLS: what it may do stands in policies, and a session that merely has the role sees nothing.

create or replace function tenancy.current_job() returns text
language sql stable parallel safe
return substring(current_setting('app.job', true), '^[a-z][a-z0-9_-]{0,62}$');

comment on function tenancy.current_job() is
  'The background job of this transaction, or NULL if it names none, or not properly.';

create or replace function tenancy.is_background() returns boolean
language plpgsql stable parallel safe
set search_path = ''
as $$
begin
  return current_user = 'app_background' and tenancy.current_job() is not null;
end
$$;

comment on function tenancy.is_background() is 'Whether this transaction may reach the rows of every tenant.';

-- Anybody may call this: anybody can set the setting, and it gives nothing to any other role.
create or replace function tenancy.set_job(job text) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform set_config('app.job', coalesce(job, ''), true);
  if job is not null and tenancy.current_job() is null then
    raise invalid_parameter_value using
      message = format('%L cannot be the name of a job', job),
      hint = 'Use up to 63 lower-case letters, digits, "-" and "_", beginning with a letter.';
  end if;
end
$$;

comment on function tenancy.set_job(text) is 'Names the background job until the transaction ends; NULL names none.';
