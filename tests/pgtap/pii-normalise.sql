-- One form for what is the same address or number; what is none is told apart; masks give no more away than they say.
begin;

create temporary table emails (given text, folded text, good boolean);
insert into emails values
  ('ada@guests.example', 'ada@guests.example', true),
  ('  Ada.Moreau@Guests.EXAMPLE ', 'ada.moreau@guests.example', true),
  (E'\tada@guests.example\n', 'ada@guests.example', true),
  ('ada+tag@guests.example', 'ada+tag@guests.example', true),
  ('ａｄａ@guests.example', 'ada@guests.example', true),
  (U&'cafe\0301@guests.example', U&'caf\00e9@guests.example', true),
  ('müller@bücher.example', 'müller@bücher.example', true),
  (U&'\0430da@guests.example', U&'\0430da@guests.example', true),
  ('ada', 'ada', false),
  ('', '', false),
  ('ada@', 'ada@', false),
  ('@guests.example', '@guests.example', false),
  ('ada@localhost', 'ada@localhost', false),
  ('ada@@guests.example', 'ada@@guests.example', false),
  ('ada@guests@x.example', 'ada@guests@x.example', false),
  ('a da@guests.example', 'a da@guests.example', false),
  ('"a da"@guests.example', '"a da"@guests.example', false),
  ('ada@guests..example', 'ada@guests..example', false),
  ('ada@-guests.example', 'ada@-guests.example', false),
  ('ada@guests.example.', 'ada@guests.example.', false),
  ('ada@gue_sts.example', 'ada@gue_sts.example', false),
  (E'ada@guests.example\nbcc: x@guests.example', E'ada@guests.example\nbcc: x@guests.example', false),
  (U&'a\200bda@guests.example', U&'a\200bda@guests.example', false),
  (U&'\202eada@guests.example', U&'\202eada@guests.example', false),
  (U&'ada@gue\00adsts.example', U&'ada@gue\00adsts.example', false),
  (repeat('a', 65) || '@guests.example', repeat('a', 65) || '@guests.example', false),
  (repeat('a', 64) || '@guests.example', repeat('a', 64) || '@guests.example', true),
  ('a@' || repeat('b', 250) || '.example', 'a@' || repeat('b', 250) || '.example', false),
  (repeat('a@b.', 2500), repeat('a@b.', 2500), false),
  (repeat('ä', 5000) || '@x.example', repeat('ä', 5000) || '@x.example', false);

create temporary table phones (given text, country text, folded text, good boolean);
insert into phones values
  ('+39 010 555 0101', null, '+390105550101', true),
  ('0039 010 5550101', null, '+390105550101', true),
  ('+39-010.555/0101', '44', '+390105550101', true),
  ('(+39) 010 5550101', null, '+390105550101', true),
  ('+44 (0)20 7946 0102', null, '+442079460102', true),
  ('+1 (415) 555-0101', null, '+14155550101', true),
  ('010 555 0101', '39', '+390105550101', true),
  ('020 7946 0102', '44', '+442079460102', true),
  ('(020) 7946 0102', '44', '+442079460102', true),
  ('415 555 0101', '1', '+14155550101', true),
  (U&'+39\00a0010\20115550101', null, '+390105550101', true),
  ('＋39 010 5550101', null, '+390105550101', true),
  ('010 555 0101', null, '0105550101', false),
  ('+39', '39', '+39', false),
  ('+0105550101', null, '+0105550101', false),
  ('+1234567890123456', null, '+1234567890123456', false),
  ('+39 010 CALL ME', null, '+39010CALLME', false),
  ('+39 010 5550101 x12', null, '+390105550101x12', false),
  (U&'+39 \0661\0662\0663\0664\0665\0666\0667', null, U&'+39\0661\0662\0663\0664\0665\0666\0667', false),
  ('', '39', '', false),
  (repeat('1', 10000), null, repeat('1', 10000), false);

select plan((2 * (select count(*) from emails) + 2 * (select count(*) from phones) + 12)::integer);

select is(pii.fold_email(given), folded, format('e-mail %s', left(given, 40))) from emails;
select is(pii.is_email(folded), good,
          format('%s %s an address', left(folded, 40), case when good then 'is' else 'is not' end)) from emails;
select is(pii.fold_phone(pii.complete_phone(given, country)), folded,
          format('phone %s, %s', left(given, 40), coalesce(country, 'no country'))) from phones;
select is(pii.is_phone(folded), good,
          format('%s %s a number', left(folded, 40), case when good then 'is' else 'is not' end)) from phones;

select is(pii.fold_email(null), null, 'NULL is no address');
select is(pii.is_email(null), null, 'and nothing to ask about');
select is(pii.fold_phone(null), null, 'NULL is no number');
select is(pii.complete_phone(null, '39'), null, 'and gets no country');
select is(pii.mask_email('ada.moreau@guests.example'), 'a***@g***.example', 'the mask of an address');
select is(pii.mask_email('a@b.co.uk'), 'a***@b***.uk', 'shows the last label');
select is(length(pii.mask_email(repeat('a', 60) || '@guests.example')), length(pii.mask_email('a@g.example')),
          'and no length');
select is(pii.mask_phone('+390105550103'), '+***03', 'the mask of a number');
select is(pii.mask_name('Ada  Moreau'), 'A***  M***', 'the mask of a name');
select is(pii.mask_name('Ö'), 'Ö***', 'of one letter');
-- The rules must not depend on the server's locale.
select is(pii.fold_email('İI@x.example' collate "C"), pii.fold_email('İI@x.example'),
          'letters outside ASCII keep their case');
select is(pii.fold_email('ÄDA@guests.example'), 'Äda@guests.example', 'under every locale');

select * from finish();
rollback;
