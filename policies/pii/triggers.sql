-- The trigger function of a table is written for its columns: a general one, which would have to look columns up in every
-- row, is several times slower. Its text is in the catalogue, and pii.trigger_source() is all that writes it.

create or replace function pii.trigger_source(relation regclass) returns text
language plpgsql stable
set search_path = ''
as $function$
declare
  target constant pii.protected_tables := pii.registered(relation);
  keeps constant pg_catalog.bool := target.phase in ('expand', 'backfilled', 'verified', 'switched');
  fields constant pg_catalog.int4 := (select count(*) from pii.protected_columns as c where c.relation = target.relation);
  seals pg_catalog.text := '';
  inserts pg_catalog.text := '';
  reseals pg_catalog.text := '';
  updates pg_catalog.text := '';
  flags pg_catalog.text := '';
  any_seal pg_catalog.text := '';
  clear pg_catalog.text;
  restore pg_catalog.text;
  seal pg_catalog.text;
  f record;
  n pg_catalog.int4 := 0;
begin
  for f in
    select
      c.column_name as plain, c.kind, c.kind in ('email', 'phone') as searchable,
      target.relation || '.' || quote_ident(c.column_name) as place,
      format('new.%I', c.column_name) as val, format('old.%I', c.column_name) as was,
      format('new.%I', c.column_name || '_encrypted') as sealed, format('old.%I', c.column_name || '_encrypted') as sealed_was,
      format('new.%I', c.column_name || '_masked') as masked, format('old.%I', c.column_name || '_masked') as masked_was,
      format('new.%I', c.column_name || '_search') as search, format('old.%I', c.column_name || '_search') as search_was,
      format('new.%I', c.column_name || '_search_alt') as alt, format('old.%I', c.column_name || '_search_alt') as alt_was
    from pii.protected_columns as c
    where c.relation = target.relation
    order by c.column_name
  loop
    clear := format('%s := null; %s := null;', f.sealed, f.masked)
      || case when f.searchable then format(' %s := null; %s := null;', f.search, f.alt) else '' end;
    restore := format('%s := %s; %s := %s;', f.sealed, f.sealed_was, f.masked, f.masked_was)
      || case when f.searchable then format(' %s := %s; %s := %s;', f.search, f.search_was, f.alt, f.alt_was) else '' end;

    seal := case f.kind
      when 'email' then format(
        $sql$
      folded := pii.fold_email(value);
      if not pii.is_email(folded) then
        if not %2$s then
          raise sqlstate 'PI010' using message = 'not an e-mail address', column = %1$L, table = tg_table_name, schema = tg_table_schema,
            hint = 'It takes the form local@domain.tld, at most 254 bytes, without blanks, quotes or invisible characters.';
        end if;
        folded := null;
      end if;$sql$, f.plain, 'keep_' || n)
      when 'phone' then format(
        $sql$
      folded := pii.fold_phone(value);
      if not pii.is_phone(folded) then
        if not %2$s then
          raise sqlstate 'PI011' using message = 'not a phone number', column = %1$L, table = tg_table_name, schema = tg_table_schema,
            hint = 'It takes the form +39 010 5550101, 7 to 15 digits; without the country it needs one that is set as the default.';
        end if;
        folded := null;
      end if;$sql$, f.plain, 'keep_' || n)
      else ''
    end || case when f.searchable then '' else format(
      $sql$
      if octet_length(value) > 8000 then
        raise sqlstate 'PI012' using message = 'the value is too long to be sealed', column = %1$L, table = tg_table_name, schema = tg_table_schema,
          hint = 'A sealed value has at most 8000 bytes.';
      end if;$sql$, f.plain)
    end || format(
      $sql$
      body := header || substr(ivs, %1$s, 16) || pii.aes_encrypt(convert_to(value, 'UTF8'), encryption_key, substr(ivs, %1$s, 16));
      %2$s := body || pii.authenticate(body, tenant_part || %3$L::bytea || row_part || %4$L::bytea, authentication_key);
      %5$s := %6$s;$sql$,
      1 + 16 * n, f.sealed,
      (int2send(octet_length(f.place)::pg_catalog.int2) || convert_to(f.place, 'UTF8') || int2send(16::pg_catalog.int2))::pg_catalog.text,
      int2send((octet_length(f.place) + 38)::pg_catalog.int2)::pg_catalog.text,
      f.masked,
      case f.kind
        when 'email' then $sql$coalesce(pii.mask_email(folded), '***')$sql$
        when 'phone' then $sql$coalesce(pii.mask_phone(folded), '***')$sql$
        when 'name' then 'pii.mask_name(value)'
        else $sql$'***'$sql$
      end
    ) || case when f.searchable then format(
      $sql$
      %3$s := case when odd_key is not null then pii.blind_index(new.%1$I, %2$L, folded, odd_key) end;
      %4$s := case when even_key is not null then pii.blind_index(new.%1$I, %2$L, folded, even_key) end;$sql$,
      target.tenant_column, f.place, f.search, f.alt)
      else ''
    end;

    seals := seals || format(
      $sql$
    if seal_%1$s then
      if open_%1$s then
        value := pii.open_value(new.%2$I, %3$L, new.%4$I, %5$s);
      else
        value := %6$s;
      end if;%7$s
    end if;$sql$, n, target.tenant_column, f.place, target.id_column, f.sealed, f.val, seal);
    flags := flags || format(E'\n  seal_%1$s boolean := false;\n  open_%1$s boolean := false;\n  keep_%1$s boolean := false;', n);

    -- A sealed value that comes without its plaintext is one that is loaded again. It is opened, so that one of another row is refused,
    -- and what goes with it is made anew: a mask or an index that was given is never believed.
    inserts := inserts || format(
      $sql$
    if %2$s is not null then
      if btrim(%2$s) = '' then
        %2$s := null;
      else
        seal_%3$s := true;
      end if;
    end if;
    if %5$s is not null and not seal_%3$s then
      seal_%3$s := true;
      open_%3$s := true;
      keep_%3$s := true;
    elsif %1$s > 0 then
      %4$s
    end if;$sql$, format('num_nonnulls(%s)', concat_ws(', ', f.sealed, f.masked, case when f.searchable then f.search || ', ' || f.alt end)), f.val, n, clear, f.sealed);

    reseals := reseals || format(
      $sql$
    %1$s
    if %2$s is not null then
      keys := coalesce(keys, pii.writing_keys(new.%3$I));
      if substr(%2$s, 2, 2) <> substr(keys, 1, 2) then
        seal_%4$s := true;
        open_%4$s := true;
        keep_%4$s := true;
      end if;
    elsif btrim(%5$s) = '' then
      %5$s := null;
    elsif %5$s is not null then
      seal_%4$s := true;
      keep_%4$s := true;
    end if;$sql$, restore, f.sealed, target.tenant_column, n, f.val);

    updates := updates || format(
      $sql$
    when %1$L then
      if coalesce(btrim(%2$s), '') = '' then
        %2$s := null;
        %3$s
      elsif %2$s is distinct from %4$s or %5$s is null then
        seal_%6$s := true;
        keep_%6$s := %2$s is not distinct from %4$s;
      end if;$sql$, f.plain, f.val, clear, f.was, f.sealed, n);
    any_seal := any_seal || case when n = 0 then '' else ' or ' end || 'seal_' || n;
    n := n + 1;
  end loop;

  return format(
    $source$
declare
  -- Of each column: whether to seal it, whether to take its value from what is sealed, and whether to keep the value as it is,
  -- normal or not, because the table has it already.%10$s
  keys bytea;
  header bytea;
  encryption_key bytea;
  authentication_key bytea;
  odd_key bytea;
  even_key bytea;
  other_key bytea;
  ivs bytea;
  body bytea;
  tenant_part bytea;
  row_part bytea;
  value text;
  folded text;
begin
  if tg_op = 'INSERT' then%1$s
  else
    case tg_argv[0]
    when '*' then%2$s%3$s%9$s
    end case;
  end if;

  if %11$s then
    keys := coalesce(keys, pii.writing_keys(new.%4$I));
    header := '\x01'::bytea || substr(keys, 1, 2);
    encryption_key := substr(keys, 5, 32);
    authentication_key := substr(keys, 37, 32);
    if get_byte(keys, 1) %% 2 = 1 then
      odd_key := substr(keys, 69, 32);
    else
      even_key := substr(keys, 69, 32);
    end if;
    if substr(keys, 3, 2) <> '\x0000' then
      other_key := substr(pii.opening_keys(new.%4$I, (get_byte(keys, 2) * 256 + get_byte(keys, 3))::smallint), 65, 32);
      odd_key := coalesce(odd_key, other_key);
      even_key := coalesce(even_key, other_key);
    end if;
    ivs := pii.random_bytes(%6$s);
    tenant_part := int2send(16::smallint) || uuid_send(new.%4$I);
    row_part := uuid_send(new.%5$I);%7$s
  end if;%8$s
  return new;
end
$source$,
    inserts, reseals, updates, target.tenant_column, target.id_column, 16 * fields, seals,
    case when not keeps then (
      select E'\n  -- The plaintext is not stored. An UPDATE leaves that to the last trigger.\n  if tg_op = ''INSERT'' then\n'
        || string_agg(format('    new.%I := null;', c.column_name), E'\n' order by c.column_name) || E'\n  end if;'
      from pii.protected_columns as c where c.relation = target.relation
    ) else '' end,
    case when not keeps then (
      select E'\n    when ''-'' then\n' || string_agg(format('      new.%I := null;', c.column_name), E'\n' order by c.column_name)
      from pii.protected_columns as c where c.relation = target.relation
    ) else '' end,
    flags, any_seal
  );
end
$function$;
comment on function pii.trigger_source(regclass) is 'The body of the function that seals the rows of a table, for its columns and its phase.';

create or replace function pii.trigger_name(relation regclass) returns text
language sql stable
set search_path = ''
as $$ select format('pii.%I', 'seal ' || (pii.registered(relation)).relation) $$;
comment on function pii.trigger_name(regclass) is 'The function that seals the rows of a table.';

create or replace function pii.build_trigger(relation regclass) returns void
language plpgsql
set search_path = ''
set client_min_messages = warning
as $$
declare
  target constant pii.protected_tables := pii.registered(relation);
  keeps constant pg_catalog.bool := target.phase in ('expand', 'backfilled', 'verified', 'switched');
  table_name constant pg_catalog.text := pii.name_of(relation);
  function_name constant pg_catalog.text := pii.trigger_name(relation);
  source constant pg_catalog.text := pii.trigger_source(relation);
  who constant pg_catalog.text := current_setting('role');
  me constant pg_catalog.name := current_user;
  derived pg_catalog.text;
  plain pg_catalog.text;
  sealed pg_catalog.text;
  columns pg_catalog.text[];
  x pg_catalog.text;
begin
  select
    string_agg(
      concat_ws(', ', format('%I, %I', c.column_name || '_encrypted', c.column_name || '_masked'),
        case when c.kind in ('email', 'phone') then format('%I, %I', c.column_name || '_search', c.column_name || '_search_alt') end), ', '),
    string_agg(format('new.%I is not null', c.column_name), ' or '),
    string_agg(format('old.%I is not null', c.column_name || '_encrypted'), ' or '),
    array_agg(c.column_name::pg_catalog.text order by c.column_name)
  into derived, plain, sealed, columns
  from pii.protected_columns as c
  where c.relation = target.relation;

  perform set_config('role', 'app_pii', true);
  -- pg_dump and pg_restore switch row security off, which for a role that it binds is an error.
  execute format(
    'create or replace function %s() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = on as %L',
    function_name, source);
  execute format('comment on function %s() is %L', function_name,
    format('Seals the protected columns of %s. Runs with the rights of app_pii, which alone reads keys. Made by pii.build_trigger().', target.relation));
  execute format('revoke execute on function %s() from public', function_name);
  -- Whoever makes a trigger has to be allowed to execute its function; nobody needs to be when it fires.
  execute format('grant execute on function %s() to %I', function_name, me);
  perform set_config('role', who, true);

  -- In the order of their names: derived columns are put right first, then what was assigned is sealed, then plaintext goes.
  execute format('drop trigger if exists pii_1_seal on %s', table_name);
  execute format('create trigger pii_1_seal before insert on %s for each row execute function %s()', table_name, function_name);
  execute format('drop trigger if exists pii_1_reseal on %s', table_name);
  execute format('create trigger pii_1_reseal before update of %s on %s for each row execute function %s(''*'')', derived, table_name, function_name);
  foreach x in array columns loop
    execute format('drop trigger if exists %I on %s', 'pii_2_seal_' || x, table_name);
    execute format('create trigger %I before update of %I on %s for each row execute function %s(%L)', 'pii_2_seal_' || x, x, table_name, function_name, x);
  end loop;
  execute format('drop trigger if exists pii_3_keep_identity on %s', table_name);
  execute format(
    'create trigger pii_3_keep_identity before update of %1$I, %2$I on %3$s for each row
       when ((%4$s) and (old.%1$I <> new.%1$I or old.%2$I <> new.%2$I)) execute function pii.keep_identity()',
    target.tenant_column, target.id_column, table_name, sealed);
  execute format('drop trigger if exists pii_4_drop_plaintext on %s', table_name);
  if not keeps then
    execute format(
      'create trigger pii_4_drop_plaintext before update on %s for each row when (%s) execute function %s(''-'')',
      table_name, plain, function_name);
  end if;
end
$$;
comment on function pii.build_trigger(regclass) is 'Makes the function that seals the rows of a table, owned by app_pii, and its triggers.';

create or replace function pii.keep_identity() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise sqlstate 'PI007' using
    message = 'tenant and id of a row with sealed values cannot change',
    hint = 'They are sealed for this row. Insert a new one with the values.', table = tg_table_name, schema = tg_table_schema;
end
$$;
comment on function pii.keep_identity() is 'Refuses to move a row that has sealed values: they would not open any more.';

revoke execute on function
  pii.trigger_source(regclass), pii.trigger_name(regclass), pii.build_trigger(regclass), pii.keep_identity()
from public;
