-- One form for what is the same address or number, so that one blind index finds it. Folding never fails; what comes out
-- of it is asked whether it is one. Both are SQL expressions that the planner inlines: they run for every row.

create or replace function pii.fold_email(value text) returns text
language sql immutable parallel safe
return lower(
  btrim(
    case when octet_length(value) = length(value) or octet_length(value) > 1000 then value else normalize(value, nfkc) end,
    E' \t\r\n'
  ) collate "C"
);
comment on function pii.fold_email(text) is
  'The e-mail address in one form: NFKC, without blanks around it, ASCII letters in lower case and no others, dots and '
  '+tags kept. Whether it is an address: pii.is_email().';

create or replace function pii.is_email(folded text) returns boolean
language sql immutable parallel safe
return octet_length(folded) <= 254
  and folded collate "C" ~ '^[^]\s@"(),:;<>[\\\x01-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]+@[^\x01-\x2c\x2f\x3a-\x60\x7b-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]+$'
  and strpos(folded, '@') <= 65
  and split_part(folded, '@', 2) collate "C" ~ '^[^.-].*\.[^.-]+[^.-]$'
  and strpos(folded, '..') = 0;
comment on function pii.is_email(text) is
  'Whether what pii.fold_email() gave is an address: at most 254 bytes and 64 characters before the @, a domain with a '
  'dot in it, nothing invisible, no quotes. Letters of any script are letters: a Cyrillic look-alike is another address.';

create or replace function pii.fold_phone(value text) returns text
language sql immutable parallel safe
return regexp_replace(
  translate(
    replace(
      case when octet_length(value) = length(value) or octet_length(value) > 1000 then value else normalize(value, nfkc) end,
      '(0)', ''
    ),
    E' \t\r\n.-/()\u2010\u2011\u2012\u2013\u2212', ''
  ),
  '^00', '+'
);
comment on function pii.fold_phone(text) is
  'The phone number in one form: blanks, dots, hyphens, slashes, parentheses and (0) gone, 00 made a +. Whether it is E.164: '
  'pii.is_phone(). A number without a country stays without: see pii.complete_phone().';

create or replace function pii.is_phone(folded text) returns boolean
language sql immutable parallel safe
return length(folded) between 8 and 16 and folded collate "C" ~ '^\+[1-9][0-9]+$';
comment on function pii.is_phone(text) is 'Whether what pii.fold_phone() gave is E.164: a +, no leading 0, 7 to 15 digits.';

create or replace function pii.complete_phone(value text, country_code text) returns text
language sql immutable parallel safe
return case
  when country_code is null or value is null or pii.fold_phone(value) !~ '^[0-9]' then value
  -- In Italy, San Marino and the Vatican the 0 belongs to the number.
  when country_code in ('39', '378', '379') then '+' || country_code || ' ' || btrim(value, E' \t\r\n')
  else '+' || country_code || ' ' || regexp_replace(btrim(value, E' \t\r\n'), '^(\(?)0', '\1')
end;
comment on function pii.complete_phone(text, text) is
  'The number with the calling code of a country before it, if it has none: one leading 0 goes, except where it is part '
  'of the number (39, 378, 379). Without a country it stays as it is, and is refused if it is national.';

grant execute on function
  pii.fold_email(text), pii.is_email(text), pii.fold_phone(text), pii.is_phone(text), pii.complete_phone(text, text)
to public;
