-- pgcrypto lives in public, in `extensions` or wherever the platform put it. These functions are bound to it once, by
-- identity and not by name, and are inlined: nothing else in here knows where it is.
do $$
declare
  home constant text := (
    select quote_ident(n.nspname) from pg_catalog.pg_extension as e join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
    where e.extname = 'pgcrypto'
  );
begin
  if home is null then
    raise object_not_in_prerequisite_state using
      message = 'the extension pgcrypto is not installed',
      hint = 'create extension pgcrypto with schema extensions; -- it is trusted: the owner of the database may';
  end if;
  execute format(
    $sql$
      create or replace function pii.hmac_sha256(data bytea, key bytea) returns bytea
      language sql immutable parallel safe return %1$s.hmac(data, key, 'sha256');

      create or replace function pii.aes_encrypt(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.encrypt_iv(data, key, iv, 'aes-cbc');

      create or replace function pii.aes_decrypt(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.decrypt_iv(data, key, iv, 'aes-cbc');

      create or replace function pii.aes_encrypt_blocks(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.encrypt_iv(data, key, iv, 'aes-cbc/pad:none');

      create or replace function pii.aes_decrypt_blocks(data bytea, key bytea, iv bytea) returns bytea
      language sql immutable parallel safe return %1$s.decrypt_iv(data, key, iv, 'aes-cbc/pad:none');

      create or replace function pii.random_bytes(count integer) returns bytea
      language sql volatile parallel safe return %1$s.gen_random_bytes(count);
    $sql$,
    home
  );
end
$$;

comment on function pii.hmac_sha256(bytea, bytea) is 'HMAC-SHA256 of pgcrypto.';
comment on function pii.aes_encrypt(bytea, bytea, bytea) is 'AES-CBC of pgcrypto, padded; a key of 32 bytes makes it AES-256. Not authenticated: see pii.authenticate().';
comment on function pii.aes_decrypt(bytea, bytea, bytea) is 'Undoes pii.aes_encrypt(). Only for what has been authenticated.';
comment on function pii.aes_encrypt_blocks(bytea, bytea, bytea) is 'AES-CBC of whole blocks, without padding: for keys.';
comment on function pii.aes_decrypt_blocks(bytea, bytea, bytea) is 'Undoes pii.aes_encrypt_blocks(). Only for what has been authenticated.';
comment on function pii.random_bytes(integer) is 'Random bytes of pgcrypto, fit for keys.';

-- Nobody outside has to call them, and the key would be an argument.
revoke execute on function
  pii.hmac_sha256(bytea, bytea), pii.aes_encrypt(bytea, bytea, bytea), pii.aes_decrypt(bytea, bytea, bytea),
  pii.aes_encrypt_blocks(bytea, bytea, bytea), pii.aes_decrypt_blocks(bytea, bytea, bytea), pii.random_bytes(integer)
from public;
grant execute on function
  pii.hmac_sha256(bytea, bytea), pii.aes_encrypt(bytea, bytea, bytea), pii.aes_decrypt(bytea, bytea, bytea),
  pii.aes_encrypt_blocks(bytea, bytea, bytea), pii.aes_decrypt_blocks(bytea, bytea, bytea), pii.random_bytes(integer)
to app_pii;
