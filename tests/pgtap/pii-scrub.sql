-- What of a guest is found in JSON and text: at any depth, in any notation, as a number, within a sentence, as a key.
-- Each beside a twin that looks like it and says nothing of this guest.
begin;

\ir support/pii.sql

create function pg_temp.pattern() returns text
language sql
as $$ select pii.email_pattern('Zerlina.Q+x@Quux.example') || '|' || pii.phone_pattern('+39 333 123 4567', '39')
  || '|' || pg_temp.ada() $$;
create function pg_temp.about(document text) returns jsonb
language sql
as $$ select pii.scrub(document::jsonb, true, pg_temp.pattern(), pii.name_words('Zerlina d''Été-Quux')) $$;
create function pg_temp.mention(document text) returns jsonb
language sql
as $$
  select case when pii.mentions(document::jsonb::text, pg_temp.pattern(), array['r-000123'])
    then pii.scrub(document::jsonb, false, pg_temp.pattern(), pii.name_words('Zerlina d''Été-Quux'))
    else '"untouched"' end
$$;

create temporary table documents (about boolean, what text, document text, expected text);
insert into documents values
  -- in what is about the guest
  (true, 'strings below an object', '{"guest": {"first": "Z", "since": {"city": "Bari"}}}',
   '{"guest": {"first": "[erased]", "since": {"city": "[erased]"}}}'),
  (true, 'strings in arrays', '{"recipients": ["Z. Q.", ["x"]], "guests": [{"alias": "Zed"}]}',
   '{"recipients": ["[erased]", ["[erased]"]], "guests": [{"alias": "[erased]"}]}'),
  (true, 'a number as a number', '{"phone": 393331234567, "mobile": 3331234567, "n": 393331234567}',
   '{"phone": "[erased]", "mobile": "[erased]", "n": "[erased]"}'),
  (true, 'the name within other words', '{"title": "ZERLINA, table 4", "slug": "d-été_quux-1", "x": ["for quux"]}',
   '{"title": "[erased]", "slug": "[erased]", "x": ["[erased]"]}'),
  (true, 'what is born', '{"born": "1980-01-01", "birth_date": "1980-01-01", "dateOfBirth": "x"}',
   '{"born": "[erased]", "birth_date": "[erased]", "dateOfBirth": "[erased]"}'),
  (true, 'any other address', '{"x": "somebody@else.example", "y": "+44 20 7946 0000"}',
   '{"x": "[erased]", "y": "[erased]"}'),
  (true, 'keys that are addresses', '{"by": {"zerlina.q+x@quux.example": {"sent": true}}}',
   '{"by": {"[erased] 1": {"sent": true}}}'),
  (true, 'JSON as a string', '{"raw": "{\"email\":\"zerlina.q+x@quux.example\"}"}', '{"raw": "[erased]"}'),
  (true, 'what names nobody stays',
   '{"status": "seated", "covers": 2, "table": "T4", "guests": 2, "at": "2030-01-01T19:00Z", "ok": true, "none": null, '
   '"context": {"step": "pay"}}',
    '{"status": "seated", "covers": 2, "table": "T4", "guests": 2, "at": "2030-01-01T19:00Z", "ok": true, "none": '
    'null, "context": {"step": "pay"}}'),
  (true, 'ids stay, under any key',
   '{"customer": "11111111-1111-4111-8111-111111111111", "guest": ["22222222-2222-4222-8222-222222222222"]}',
    '{"customer": "11111111-1111-4111-8111-111111111111", "guest": ["22222222-2222-4222-8222-222222222222"]}'),
  (true, 'words that hold a part of the name stay', '{"dish": "quuxotic", "street": "Zerlinas"}',
   '{"dish": "quuxotic", "street": "Zerlinas"}'),
  (true, 'a scalar', '"Zerlina"', '"[erased]"'),
  (true, 'nothing', '{}', '{}'),
  -- in what only mentions the guest
  (false, 'the address, in capitals and among words', '{"log": "mail to <ZERLINA.Q+X@QUUX.EXAMPLE> bounced"}',
   '{"log": "[erased]"}'),
  (false, 'full-width letters', U&'{"log": "\FF5A\FF45rlina.q+x@quux.example"}', '{"log": "[erased]"}'),
  (false, 'as a part of a URL', '{"url": "https://x.example/?to=zerlina.q+x%40quux.example&n=1"}',
   '{"url": "[erased]"}'),
  (false, 'the number in four notations', '["0039 333-123-4567", "333/1234567", "+39(333)123.45.67", 393331234567]',
   '["[erased]", "[erased]", "[erased]", "[erased]"]'),
  (false, 'all of a message to the guest',
   '{"to": "zerlina.q+x@quux.example", "body": "Dear Z", "subject": "x", "template": "hello"}',
   '{"to": "[erased]", "body": "[erased]", "subject": "[erased]", "template": "hello"}'),
  (false, 'all of a message, whoever sends it',
   '{"to": "zerlina.q+x@quux.example", "reply_to": "osteria@x.example", "body": "Dear Z"}',
   '{"to": "[erased]", "reply_to": "[erased]", "body": "[erased]"}'),
  (false, 'the guest''s part of a list, and no other',
   '{"to": "b@x.example", "guests": [{"email": "zerlina.q+x@quux.example", "name": "Z"}, {"email": "b@x.example", '
   '"name": "Bo"}]}',
    '{"to": "b@x.example", "guests": [{"email": "[erased]", "name": "[erased]"}, {"email": "b@x.example", "name": '
    '"Bo"}]}'),
  (false, 'a copy to the guest of a message to somebody else',
   '{"to": "b@x.example", "cc": ["zerlina.q+x@quux.example"], "body": "Dear Bo"}',
   '{"to": "b@x.example", "cc": ["[erased]"], "body": "Dear Bo"}'),
  (false, 'an address of the family', '{"to": "bo@quux.example", "cc": "zerlina.q+x@quux.example"}',
   '{"to": "bo@quux.example", "cc": "[erased]"}'),
  (false, 'a row that is known by its code', '{"booking": "R-000123", "title": "Quux, 2 covers", "x": 1}',
   '{"booking": "R-000123", "title": "[erased]", "x": 1}'),
  (false, 'another address that ends the same', '{"to": "xzerlina.q+x@quux.example"}', '"untouched"'),
  (false, 'one that begins the same', '{"to": "zerlina.q+x@quux.example.org", "cc": "zerlina.q+x@quux.examples"}',
   '"untouched"'),
  (false, 'a dot that is none', '{"to": "zerlinaXq+x@quux.example"}', '"untouched"'),
  (false, 'a longer number', '{"order": 3933312345678, "ref": "9333123456790"}', '"untouched"'),
  (false, 'the name alone', '{"name": "Zerlina Quux"}', '"untouched"'),
  (false, 'a code within another', '{"booking": "R-0001234"}', '"untouched"');
select plan((15 + 2 * (select count(*) from documents))::integer);

select is(case when about then pg_temp.about(document) else pg_temp.mention(document) end, expected::jsonb,
          case when about then 'about the guest: ' else 'mentions: ' end || what) from documents;
select is(pg_temp.about(expected), pg_temp.about(pg_temp.about(expected)::text), 'and once more is no more: ' || what)
  from documents;

select is(pii.scrub_paths('{"answers": [{"diet": "vegan", "n": 1}, {"diet": {"x": "y"}}], "diet": "fish"}',
                          array['{answers,*,diet}']),
  '{"answers": [{"diet": "[erased]", "n": 1}, {"diet": {"x": "[erased]"}}], "diet": "fish"}',
  'a path, whatever stands there');
select is(pii.scrub_paths('{"a": ["x", "y"], "b": 7}', array['{a,1}', '{b}', '{c,d}']),
          '{"a": ["x", "[erased]"], "b": "[erased]"}', 'a place of an array, a number, and what is not there');
select is(
    pii.wipe(
        '{"title": "Quux, table 4", "n": 2, "tel": 3331234567, "Ada Quux": ["x"], "id": '
        '"11111111-1111-4111-8111-111111111111"}'),
  '{"title": "[erased]", "n": 2, "tel": "[erased]", "[erased] 5": ["[erased]"], "id": '
  '"11111111-1111-4111-8111-111111111111"}', 'of a tenant no word stays');
select is(pii.addresses_guest(p::jsonb, pg_temp.pattern(), mail), o, 'goes to the guest: ' || p)
from (values ('{"to": "zerlina.q+x@quux.example", "from": "osteria@x.example"}', false, true),
      ('{"mail": {"recipients": [{"email": "Zerlina.Q+x@quux.example"}]}}', false, true),
      ('{"sms": {"to": 393331234567}}', false, true), ('{"guestEmail": "zerlina.q+x@quux.example"}', true, true),
  ('{"guestEmail": "zerlina.q+x@quux.example"}', false, false),
  ('{"to": ["b@x.example", "zerlina.q+x@quux.example"]}', true, false),
  ('{"to": "b@x.example", "cc": "zerlina.q+x@quux.example"}', false, false),
  ('{"to": "b@x.example", "about": "zerlina.q+x@quux.example"}', true, false),
  ('{"stop": "zerlina.q+x@quux.example"}', false, false)) as v (p, mail, o);
select is(pii.phone_pattern('12 34', null), null, 'a number too short to be looked for');
select is(pii.name_words('[erased]'), null, 'nobody has the name of who is erased');
select is('dear 山田太郎様' ~ pii.name_words('山田太郎'), true, 'a name without blanks around it');

select * from finish();
rollback;
