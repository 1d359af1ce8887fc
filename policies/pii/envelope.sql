-- A sealed value: version (1 byte), key id (2), iv (16), AES-256-CBC ciphertext (16 n), HMAC-SHA256 truncated to 16 bytes
-- over all of that and the place the value belongs to. Encrypt, then authenticate; nothing is decrypted that is not authentic.

set role app_pii;

-- Each part comes with its length, and the whole ends with its own, so that it can be read from behind in one way only.
create or replace function pii.place(tenant uuid, column_name text, row_id uuid) returns bytea
language sql stable parallel safe
return int2send(16::smallint) || uuid_send(tenant)
  || int2send(octet_length(column_name)::smallint) || convert_to(column_name, 'UTF8')
  || int2send(16::smallint) || uuid_send(row_id)
  || int2send((octet_length(column_name) + 38)::smallint);
comment on function pii.place(uuid, text, uuid) is 'The context that a value is authenticated with: tenant, schema.table.column, row.';

create or replace function pii.authenticate(body bytea, place bytea, key bytea) returns bytea
language sql immutable parallel safe
return substr(pii.hmac_sha256(body || place, key), 1, 16);
comment on function pii.authenticate(bytea, bytea, bytea) is 'The last 16 bytes of a sealed value.';

create or replace function pii.kid_of(sealed bytea) returns smallint
language sql immutable parallel safe
return case when octet_length(sealed) > 2 and get_byte(sealed, 1) < 128 then get_byte(sealed, 1) * 256 + get_byte(sealed, 2) else 0 end::smallint;
comment on function pii.kid_of(bytea) is 'The key id in a sealed value; 0 if it has not the form of one.';

create or replace function pii.open_value(tenant uuid, column_name text, row_id uuid, sealed bytea) returns text
language plpgsql stable
as $$
declare
  size constant integer := octet_length(sealed);
  secrets bytea;
begin
  if sealed is null then
    return null;
  end if;
  if size < 51 or (size - 35) % 16 <> 0 or get_byte(sealed, 0) <> 1 or get_byte(sealed, 1) > 127 then
    raise sqlstate 'PI005' using
      message = 'a sealed value has not the form of one', column = column_name,
      hint = 'It was cut short or changed, or a newer version of these functions sealed it.';
  end if;
  secrets := pii.opening_keys(tenant, pii.kid_of(sealed));
  -- Not in constant time, and it need not be: what is compared is the HMAC of a message under a key that the session does not
  -- have, so equal leading bytes tell how close a guess of 128 bits came, over a path that is a million times as long.
  if substr(sealed, size - 15) <> pii.authenticate(substr(sealed, 1, size - 16), pii.place(tenant, column_name, row_id), substr(secrets, 33, 32)) then
    raise sqlstate 'PI004' using
      message = 'a sealed value cannot be opened', column = column_name,
      hint = 'It was changed, or it was sealed for another row, column or tenant.';
  end if;
  return convert_from(pii.aes_decrypt(substr(sealed, 20, size - 35), substr(secrets, 1, 32), substr(sealed, 4, 16)), 'UTF8');
end
$$;
comment on function pii.open_value(uuid, text, uuid, bytea) is 'The value, after its authentication. PI004, PI005 and what the keys raise; never anything else than what was sealed.';

-- SECURITY DEFINER because it reads keys. Whoever may call it opens values of the tenant in the context and of no other.
create or replace function pii.open(tenant uuid, column_name text, row_id uuid, sealed bytea) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if sealed is null then
    return null;
  end if;
  if tenant is distinct from public.current_restaurant_id() then
    raise insufficient_privilege using
      message = 'a sealed value belongs to another tenant than this transaction',
      hint = 'Call set_restaurant_context() with the tenant whose value it is.';
  end if;
  return pii.open_value(tenant, column_name, row_id, sealed);
end
$$;
comment on function pii.open(uuid, text, uuid, bytea) is
  'Opens a sealed value of the tenant in the context: tenant, schema.table.column, row id, value. Runs with the rights of '
  'app_pii, which alone reads keys; for pii_reader and background jobs.';

revoke execute on function
  pii.place(uuid, text, uuid), pii.authenticate(bytea, bytea, bytea), pii.open_value(uuid, text, uuid, bytea),
  pii.open(uuid, text, uuid, bytea)
from public;
grant execute on function pii.open(uuid, text, uuid, bytea) to pii_reader, app_background;
grant execute on function pii.kid_of(bytea) to app_background, pii_reader;

-- Sixteen bytes, so that two values with the same index do not occur and a unique index on it means what it says.
create or replace function pii.blind_index(tenant uuid, column_name text, folded text, key bytea) returns bytea
language sql stable parallel safe
return substr(
  pii.hmac_sha256(
    uuid_send(tenant) || int2send(octet_length(column_name)::smallint) || convert_to(column_name, 'UTF8') || convert_to(folded, 'UTF8'), key
  ), 1, 16
);
comment on function pii.blind_index(uuid, text, text, bytea) is
  'The first 16 bytes of HMAC-SHA256 over tenant, schema.table.column and the folded value: equal for equal values of a '
  'tenant in a column, and without the key nothing else.';
revoke execute on function pii.blind_index(uuid, text, text, bytea) from public;

reset role;
