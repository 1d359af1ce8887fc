-- How a guest is recognised in what was written about the guest. Everything is compared in one form: NFKC, lower case. A pattern
-- finds the address, the number in any notation and the id; words are the parts of the name, which count only in what is about the
-- guest, since others have the same name.

create or replace function pii.fold_text(value text) returns text
language sql immutable parallel safe
return lower(case when octet_length(value) = length(value) then value else normalize(value, nfkc) end);
comment on function pii.fold_text(text) is 'A text in the form in which guests are looked for.';

create or replace function pii.email_pattern(value text) returns text
language sql immutable parallel safe
return '(?<![[:alnum:]._%+-])'
  || replace(regexp_replace(pii.fold_text(pii.fold_email(value)), '([][\\.*+?(){}|^$])', '\\\1', 'g'), '@', '(?:@|%40)')
  || '(?![[:alnum:]-]|\.[[:alnum:]])';
comment on function pii.email_pattern(text) is 'Finds an e-mail address within a folded text, and not as a part of another one.';

-- Any of what is usual may stand between two digits. A national number has no country, and may have a 0 before it.
create or replace function pii.phone_pattern(value text, country_code text) returns text
language sql immutable parallel safe
begin atomic
  select string_agg(
    '(?<![0-9])' || n.prefix || regexp_replace(n.digits, '([0-9])(?=[0-9])', E'\\1[-. ()/\u2010-\u2015\u2212]*', 'g') || '(?![0-9])', '|')
  from (select regexp_replace(pii.fold_phone(pii.complete_phone(value, country_code)), '[^0-9]', '', 'g') as digits) as d
  cross join lateral (
    select '' as prefix, d.digits
    union all
    select '0?', substr(d.digits, length(country_code) + 1)
    where starts_with(d.digits, country_code) and length(d.digits) - length(country_code) >= 6
  ) as n
  where length(n.digits) >= 6;
end;
comment on function pii.phone_pattern(text, text) is
  'Finds a phone number in a folded text, in any notation, as a JSON number too, with its country or, if the country''s calling code is given, without. '
  'NULL for fewer than 6 digits, which would be found everywhere.';

-- The server's idea of a letter depends on the locale: in "C" there are none beyond ASCII, and names would go unseen.
create or replace function pii.word_characters() returns text
language sql immutable parallel safe
return '[:alnum:]\u00c0-\u1fff\u2c00-\u2fff\u3040-\uffff';
comment on function pii.word_characters() is
  'What words are made of, for a bracket of a pattern, in every locale: beyond ASCII all but spaces and punctuation.';

create or replace function pii.name_words(value text) returns text
language sql immutable parallel safe
begin atomic
  select string_agg(distinct w.word, '|')
  from regexp_split_to_table(pii.fold_text(value), '[^' || pii.word_characters() || ']+') as w (word)
  where value <> '[erased]' and (length(w.word) > 2 or w.word collate "C" !~ '^[ -~]*$' and w.word <> '');
end;
comment on function pii.name_words(text) is 'The parts of a name as alternatives of a pattern: those of three letters, or of other scripts. NULL: none.';

create or replace function pii.name_pattern(value text) returns text
language sql immutable parallel safe
begin atomic
  select '(?<![' || pii.word_characters() || '])' || string_agg(w.word, '[^' || pii.word_characters() || '"]+' order by w.n)
    || '(?![' || pii.word_characters() || '])'
  from regexp_split_to_table(pii.fold_text(value), '[^' || pii.word_characters() || ']+') with ordinality as w (word, n)
  where value <> '[erased]' and w.word <> '';
end;
comment on function pii.name_pattern(text) is 'Finds the whole name in a folded text. NULL: there is none.';

create or replace function pii.mentions(document text, pattern text, tokens text[]) returns boolean
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  folded constant pg_catalog.text := pii.fold_text(document);
  token pg_catalog.text;
begin
  if folded ~ pattern then
    return true;
  end if;
  -- A few are looked for one by one; of many, the strings of the document are looked up.
  if cardinality(tokens) > 20 then
    return exists (select from regexp_matches(folded, '"([^"\\]+)"', 'g') as m where m[1] = any (tokens));
  end if;
  foreach token in array coalesce(tokens, '{}') loop
    if strpos(folded, '"' || token || '"') > 0 then
      return true;
    end if;
  end loop;
  return false;
end
$$;
comment on function pii.mentions(text, text, text[]) is
  'Whether JSON, as text, has a place that a pattern finds, or a whole string that is one of the tokens (ids, codes; folded).';

-- Keys whose content names a person, and those whose content does in any form.
create or replace function pii.is_personal(key text) returns boolean
language sql immutable parallel safe
return key ~* '(name|e-?mail|phone|mobile|recipient|address|contact|note|message|body|(?<!con)text|subject|guest|customer|birth|birthday|birthdate|born|dob|allerg(y|ie)|diet)s?$|^(to|cc|bcc|tel|sms)$|^birth';
comment on function pii.is_personal(text) is 'Whether a key of a JSON object says that what stands there is about a person.';

create or replace function pii.blank(value jsonb) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case jsonb_typeof(value)
    when 'object' then (select coalesce(jsonb_object_agg(e.key, pii.blank(e.value)), '{}') from jsonb_each(value) as e)
    when 'array' then (select coalesce(jsonb_agg(pii.blank(e.value) order by e.n), '[]') from jsonb_array_elements(value) with ordinality as e (value, n))
    when 'string' then case when tenancy.uuid_or_null(value #>> '{}') is null then '"[erased]"' else value end
    -- As long as a phone number. Counts and prices stay.
    when 'number' then case when length(regexp_replace(value::pg_catalog.text, '[^0-9]', '', 'g')) >= 7 then '"[erased]"' else value end
    else value
  end;
end
$$;
comment on function pii.blank(jsonb) is 'JSON without its strings and long numbers, however deep they are. Ids stay.';

-- The keys of an object that name the guest go too, numbered, so that two do not become one.
create or replace function pii.scrub(value jsonb, about boolean, pattern text, words text) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  whole pg_catalog.bool := about;
  own pg_catalog.text;
begin
  case jsonb_typeof(value)
    when 'object' then
      if not about then
        -- An object that has the guest's address is about the guest, unless it has another person's too. A sender is nobody's guest.
        select string_agg(pii.fold_text(coalesce(e.value #>> '{}', '')), ' | ') into own
        from jsonb_each(value) as e
        where e.key !~* '^(from|sender|reply[_-]?to)$' and (jsonb_typeof(e.value) in ('string', 'number') or jsonb_typeof(e.value) = 'array' and e.value::pg_catalog.text !~ '[{]');
        whole := coalesce(own ~ pattern, false) and not pii.has_address(regexp_replace(own, pattern, '', 'g'));
      end if;
      return (
        select coalesce(jsonb_object_agg(
          case when pii.fold_text(e.key) ~ pattern or e.key ~ '[^@\s]@[^@\s]+\.[^@\s]' and whole then '[erased] ' || e.n else e.key end,
          case when whole and (pii.is_personal(e.key)) and jsonb_typeof(e.value) <> 'boolean' then pii.blank(e.value)
            else pii.scrub(e.value, whole, pattern, words) end), '{}')
        from jsonb_each(value) with ordinality as e (key, value, n));
    when 'array' then
      return (
        select coalesce(jsonb_agg(pii.scrub(e.value, about, pattern, words) order by e.n), '[]')
        from jsonb_array_elements(value) with ordinality as e (value, n));
    when 'string', 'number' then
      own := pii.fold_text(value #>> '{}');
      return case
        when tenancy.uuid_or_null(own) is not null then value
        when own ~ pattern then '"[erased]"'
        -- Another person's address, which may have the same family name in it.
        when jsonb_typeof(value) = 'string' and pii.has_address(own) then case when about then '"[erased]"' else value end
        when own ~ ('(?<![[:alpha:]])(' || words || ')(?![[:alpha:]])') then '"[erased]"'
        else value
      end;
    else
      return value;
  end case;
end
$$;
comment on function pii.scrub(jsonb, boolean, text, text) is
  'JSON without what names a guest: what the pattern or the words find, at any depth; and in what is about the guest (about: all of it; otherwise '
  'the objects that hold the address or number, and no other''s) whatever stands under a key such as email, guest or to, and any address. Ids stay.';

create or replace function pii.has_address(value text) returns boolean
language sql immutable parallel safe
return value ~ '[^@\s"]@[^@\s"]+\.[^@\s"]|(^|[\s"|])(\+|00)[1-9][0-9][-0-9 ./()]{5,}';
comment on function pii.has_address(text) is 'Whether something looks like an e-mail address or a phone number with its country.';

create or replace function pii.scrub_paths(value jsonb, paths text[]) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
declare
  p pg_catalog.text;
begin
  foreach p in array paths loop
    value := pii.scrub_path(value, p::pg_catalog.text[]);
  end loop;
  return value;
end
$$;
comment on function pii.scrub_paths(jsonb, text[]) is 'JSON without what stands at the paths, each as text, such as {answers,*,diet}.';

create or replace function pii.scrub_path(value jsonb, path text[]) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case
    when cardinality(path) = 0 then case when jsonb_typeof(value) in ('object', 'array') then pii.blank(value) when value = 'null' then value else '"[erased]"' end
    when jsonb_typeof(value) = 'object' then (
      select coalesce(jsonb_object_agg(e.key, case when path[1] in ('*', e.key) then pii.scrub_path(e.value, path[2:]) else e.value end), '{}')
      from jsonb_each(value) as e)
    when jsonb_typeof(value) = 'array' then (
      select coalesce(jsonb_agg(case when path[1] in ('*', (e.n - 1)::pg_catalog.text) then pii.scrub_path(e.value, path[2:]) else e.value end order by e.n), '[]')
      from jsonb_array_elements(value) with ordinality as e (value, n))
    else value
  end;
end
$$;
comment on function pii.scrub_path(jsonb, text[]) is 'JSON without what stands at one path.';

-- Everybody's, of a tenant that is erased: no word stays.
create or replace function pii.wipe(value jsonb) returns jsonb
language plpgsql immutable parallel safe
set search_path = ''
as $$
begin
  return case jsonb_typeof(value)
    when 'object' then (
      select coalesce(jsonb_object_agg(case when e.key ~ '^[A-Za-z0-9_.-]{1,63}$' then e.key else '[erased] ' || e.n end, pii.wipe(e.value)), '{}')
      from jsonb_each(value) with ordinality as e (key, value, n))
    when 'array' then (select coalesce(jsonb_agg(pii.wipe(e.value) order by e.n), '[]') from jsonb_array_elements(value) with ordinality as e (value, n))
    else pii.blank(value)
  end;
end
$$;
comment on function pii.wipe(jsonb) is 'JSON without any string but ids, any long number, and any key that is not plain.';

create or replace function pii.addresses_guest(payload jsonb, pattern text, is_mail boolean) returns boolean
language sql immutable parallel safe
begin atomic
  select coalesce(r.recipients ~ pattern and not pii.has_address(regexp_replace(r.recipients, pattern, '', 'g')), false)
  from (
    select string_agg(pii.fold_text((e.pair -> 'value')::text), ' | ')
    from jsonb_path_query(payload, '$.** ? (@.type() == "object").keyvalue()') as e (pair)
    where e.pair ->> 'key' ~* '^(to|cc|bcc|recipients?|send[_-]?to)$' or is_mail and e.pair ->> 'key' ~* '^(guest|customer)?[_-]?(e-?mail|phone|mobile|tel|sms)([_-]?(address|number))?$'
  ) as r (recipients);
end;
comment on function pii.addresses_guest(jsonb, text, boolean) is
  'Whether a message goes to whom the pattern finds, and to nobody else. is_mail: it goes somewhere, so that an address is a recipient under other keys than to, too.';

revoke execute on function
  pii.fold_text(text), pii.email_pattern(text), pii.phone_pattern(text, text), pii.word_characters(), pii.name_words(text), pii.name_pattern(text), pii.mentions(text, text, text[]),
  pii.is_personal(text), pii.blank(jsonb), pii.scrub(jsonb, boolean, text, text), pii.has_address(text), pii.scrub_paths(jsonb, text[]),
  pii.scrub_path(jsonb, text[]), pii.wipe(jsonb), pii.addresses_guest(jsonb, text, boolean)
from public;
grant execute on function
  pii.fold_text(text), pii.email_pattern(text), pii.phone_pattern(text, text), pii.word_characters(), pii.name_words(text), pii.name_pattern(text), pii.mentions(text, text, text[]),
  pii.is_personal(text), pii.blank(jsonb), pii.scrub(jsonb, boolean, text, text), pii.has_address(text), pii.scrub_paths(jsonb, text[]),
  pii.scrub_path(jsonb, text[]), pii.wipe(jsonb), pii.addresses_guest(jsonb, text, boolean)
to app_background, app_pii;
