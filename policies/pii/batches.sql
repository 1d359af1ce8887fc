-- Work over whole tables, in batches, as app_background with a named job. Nothing is remembered between batches: what is to
-- be done is read off the rows, so that a run that was killed is begun anew and finds it.

create or replace function pii.require_job() returns void
language plpgsql stable
set search_path = ''
as $$
begin
  if not tenancy.is_background() then
    raise insufficient_privilege using
      message = 'this is for a background job',
      hint = 'set local role app_background; select tenancy.set_job(''pii''); first, in the same transaction.';
  end if;
end
$$;
comment on function pii.require_job() is 'Refuses whoever is not app_background with a named job.';

set role app_pii;
create or replace function pii.active_kids() returns table (tenant uuid, kid smallint)
language sql stable security definer
begin atomic
  select k.restaurant_id, k.kid from pii.tenant_keys as k where k.state = 'active' and tenancy.current_job() is not null;
end;
comment on function pii.active_kids() is
  'The id of the key that each tenant''s values are sealed under. Runs with the rights of app_pii, to show ids and no keys; for background jobs.';

-- Without a tenant context, since a job goes through the rows of all; it tells whether the value is right and not what it is.
create or replace function pii.is_sealed_as(tenant uuid, column_name text, row_id uuid, sealed bytea, plain text) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tenancy.current_job() is null then
    raise insufficient_privilege using message = 'this is for a background job';
  end if;
  return pii.open_value(tenant, column_name, row_id, sealed) = coalesce(plain, pii.open_value(tenant, column_name, row_id, sealed));
end
$$;
comment on function pii.is_sealed_as(uuid, text, uuid, bytea, text) is
  'Whether a sealed value opens and is this one; NULL as the value asks only whether it opens. PI004, PI005 where it does not. '
  'Runs with the rights of app_pii, which alone reads keys; for background jobs.';
revoke execute on function pii.active_kids(), pii.is_sealed_as(uuid, text, uuid, bytea, text) from public;
grant execute on function pii.active_kids(), pii.is_sealed_as(uuid, text, uuid, bytea, text) to app_background;
reset role;

-- An UPDATE that assigns a derived column makes the trigger see to the row: it seals what is not, opens and seals again what
-- is under an old key, and drops the plaintext of a table that is being retired. So there is one place that seals.
create or replace function pii.seal_batch(
  relation regclass, max_rows integer, after_tenant uuid default null, after_id uuid default null,
  out changed integer, out failed integer, out last_tenant uuid, out last_id uuid, out finished boolean, out problems jsonb
)
language plpgsql
set search_path = ''
-- In the order of the key, row by row until there are enough: the planner, who can't know how many need work, would sort all.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_nestloop = off
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  tenants pg_catalog.uuid[];
  ids pg_catalog.uuid[];
  places pg_catalog.tid[];
  needed pg_catalog.text;
  assignments pg_catalog.text;
  statement pg_catalog.text;
begin
  perform pii.require_job();
  if max_rows is null or max_rows < 1 then
    raise invalid_parameter_value using message = 'max_rows has to be at least 1';
  end if;
  select
    string_agg(format('(c.%1$I is not null%3$s) or (c.%2$I is not null and pii.kid_of(c.%2$I) is distinct from k.kid)',
      p.column_name, p.column_name || '_encrypted',
      case when target.phase in ('retiring', 'retired') then '' else format(' and c.%I is null', p.column_name || '_encrypted') end), ' or '),
    string_agg(format('%1$I = c.%1$I', p.column_name || '_encrypted'), ', ')
  into needed, assignments
  from pii.protected_columns as p
  where p.relation = target.relation;

  -- Rows that somebody else is changing are left for another run: they may be sealed already when that is done.
  execute format(
    $sql$
      select array_agg(b.tenant), array_agg(b.id), array_agg(b.place)
      from (
        select c.%2$I as tenant, c.%3$I as id, c.ctid as place
        from %1$s as c left join pii.active_kids() as k on k.tenant = c.%2$I
        where (%4$s) %5$s
        order by c.%2$I, c.%3$I
        limit $1
        for no key update of c skip locked
      ) as b
    $sql$,
    pii.name_of(relation), target.tenant_column, target.id_column, needed,
    case when after_tenant is not null then format('and (c.%I, c.%I) > ($2, $3)', target.tenant_column, target.id_column) else '' end
  ) into tenants, ids, places using max_rows, after_tenant, after_id;

  changed := coalesce(cardinality(ids), 0);
  failed := 0;
  problems := '[]';
  finished := changed < max_rows;
  last_tenant := coalesce(tenants[changed], after_tenant);
  last_id := coalesce(ids[changed], after_id);
  if changed = 0 then
    return;
  end if;

  -- The rows are locked, so that they stay where they are.
  statement := format('update %s as c set %s where c.ctid = any ($1)', pii.name_of(relation), assignments);
  begin
    execute statement using places;
  exception
    when unique_violation or check_violation or sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate 'PI012' then
      -- One row is the reason: one at a time then, so that the others are done.
      for n in 1..cardinality(places) loop
        begin
          execute statement using places[n:n];
        exception
          when unique_violation or check_violation or sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate 'PI012' then
            failed := failed + 1;
            changed := changed - 1;
            problems := problems || jsonb_build_object('tenant', tenants[n], 'id', ids[n], 'sqlstate', sqlstate);
        end;
      end loop;
  end;
end
$$;
comment on function pii.seal_batch(regclass, integer, uuid, uuid) is
  'Seals the next rows of a table that are not sealed, or not under the present key, and drops plaintext where the table is '
  'being retired; begins behind the row given. How many it changed; which it could not and why: 23505 where two rows are '
  'the same once normalised, PI004 and PI005 where a value is damaged. finished: there are no more behind these. Needs app.pii.key.';

create or replace function pii.check_batch(
  relation regclass, max_rows integer, after_tenant uuid default null, after_id uuid default null,
  out checked integer, out damaged integer, out differing integer, out last_tenant uuid, out last_id uuid, out finished boolean,
  out problems jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  p record;
  tenants pg_catalog.uuid[];
  ids pg_catalog.uuid[];
  statement pg_catalog.text;
  wrong pg_catalog.int4;
begin
  perform pii.require_job();
  execute format(
    $sql$
      select array_agg(b.tenant order by b.tenant, b.id), array_agg(b.id order by b.tenant, b.id)
      from (
        select c.%2$I as tenant, c.%3$I as id from %1$s as c where %4$s order by c.%2$I, c.%3$I limit $1
      ) as b
    $sql$,
    pii.name_of(relation), target.tenant_column, target.id_column,
    case when after_tenant is not null then format('(c.%I, c.%I) > ($2, $3)', target.tenant_column, target.id_column) else 'true' end
  ) into tenants, ids using max_rows, after_tenant, after_id;
  checked := coalesce(cardinality(ids), 0);
  damaged := 0;
  differing := 0;
  problems := '[]';
  finished := checked < max_rows;
  last_tenant := coalesce(tenants[checked], after_tenant);
  last_id := coalesce(ids[checked], after_id);

  for p in
    select c.column_name, target.relation || '.' || quote_ident(c.column_name) as place
    from pii.protected_columns as c where c.relation = target.relation
  loop
    statement := format(
      $sql$
        select count(*) from unnest($1, $2) as b (tenant, id) join %1$s as c on c.%2$I = b.tenant and c.%3$I = b.id
        where c.%4$I is not null and not pii.is_sealed_as(c.%2$I, %5$L, c.%3$I, c.%4$I, c.%6$I)
      $sql$,
      pii.name_of(relation), target.tenant_column, target.id_column, p.column_name || '_encrypted', p.place, p.column_name);
    begin
      execute statement into wrong using tenants, ids;
      continue when wrong = 0;
    exception
      when sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate '22021' then
        null;
    end;
    for n in 1..checked loop
      begin
        execute statement into wrong using tenants[n:n], ids[n:n];
        differing := differing + wrong;
        if wrong > 0 then
          problems := problems || jsonb_build_object('tenant', tenants[n], 'id', ids[n], 'column', p.column_name, 'sqlstate', null);
        end if;
      exception
        when sqlstate 'PI004' or sqlstate 'PI005' or sqlstate 'PI006' or sqlstate '22021' then
          damaged := damaged + 1;
          problems := problems || jsonb_build_object('tenant', tenants[n], 'id', ids[n], 'column', p.column_name, 'sqlstate', sqlstate);
      end;
    end loop;
  end loop;
end
$$;
comment on function pii.check_batch(regclass, integer, uuid, uuid) is
  'Opens the sealed values of the next rows and compares them with the plaintext, where there is any. damaged: values that do '
  'not open; differing: values that are not what stands in clear. Needs app.pii.key.';

create or replace function pii.status(relation regclass)
returns table (
  column_name name, kind text, total bigint, plaintext bigint, sealed bigint, unsealed bigint, stale bigint, unsearchable bigint
)
language plpgsql stable
set search_path = ''
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  p record;
begin
  perform pii.require_job();
  for p in select c.column_name, c.kind from pii.protected_columns as c where c.relation = target.relation order by c.column_name loop
    return query execute format(
      $sql$
        select %4$L::pg_catalog.name, %5$L::pg_catalog.text, count(*), count(c.%4$I), count(c.%6$I),
          count(*) filter (where c.%4$I is not null and c.%6$I is null),
          count(*) filter (where c.%6$I is not null and pii.kid_of(c.%6$I) is distinct from k.kid),
          count(*) filter (where c.%6$I is not null and %7$s)
        from %1$s as c left join pii.active_kids() as k on k.tenant = c.%2$I
      $sql$,
      pii.name_of(relation), target.tenant_column, target.id_column, p.column_name, p.kind, p.column_name || '_encrypted',
      case when p.kind in ('email', 'phone') then format('num_nonnulls(c.%I, c.%I) = 0', p.column_name || '_search', p.column_name || '_search_alt') else 'false' end);
  end loop;
end
$$;
comment on function pii.status(regclass) is
  'Per protected column: rows, values in clear, sealed values, values only in clear, sealed under an old key, sealed but '
  'found by no look-up because they are no address or number. Needs no key.';

revoke execute on function
  pii.require_job(), pii.seal_batch(regclass, integer, uuid, uuid), pii.check_batch(regclass, integer, uuid, uuid), pii.status(regclass)
from public;
grant execute on function
  pii.require_job(), pii.seal_batch(regclass, integer, uuid, uuid), pii.check_batch(regclass, integer, uuid, uuid), pii.status(regclass)
to app_background;
