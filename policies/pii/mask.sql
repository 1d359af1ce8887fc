-- What may be shown to everybody who may see the row. They are stored: a masked read needs no key.

create or replace function pii.mask_email(folded text) returns text
language sql immutable parallel safe
return left(folded, 1) || '***@' || left(split_part(folded, '@', 2), 1) || '***.' || reverse(split_part(reverse(folded), '.', 1));
comment on function pii.mask_email(text) is 'a***@g***.example: the first letters and the last label, and never how long the rest is.';

create or replace function pii.mask_phone(folded text) returns text
language sql immutable parallel safe
return '+***' || right(folded, 2);
comment on function pii.mask_phone(text) is '+***03: the last two digits.';

create or replace function pii.mask_name(value text) returns text
language sql immutable parallel safe
return regexp_replace(btrim(value), '(\S)\S*', '\1***', 'g');
comment on function pii.mask_name(text) is 'A*** M***: the first letter of each word.';

grant execute on function pii.mask_email(text), pii.mask_phone(text), pii.mask_name(text) to public;
