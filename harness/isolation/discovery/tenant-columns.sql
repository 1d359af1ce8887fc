-- In which column a table says whose a row is. Second of three parts of one query, behind session-keys.sql.
--
-- pg_depend names the columns that a policy refers to. Which of several is the tenant's is read from the text that the
-- server prints for the policy. Foreign keys and names are a last resort, for tables whose policies say nothing.
,
-- Columns of its own table that a policy refers to, and the parts of the policy in which they stand
policy_columns as materialized (
  select p.oid as policy, p.polrelid, p.text, a.attname, a.attnum, a.atttypid, t.typcategory,
         '(?<![\w"$])' || regexp_replace(quote_ident(a.attname), '([^\w])', '\\\1', 'g') || '(?![\w"$])' as pattern
    from policies p
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = p.polrelid
                               and d.refobjsubid > 0
    join pg_catalog.pg_attribute a on a.attrelid = p.polrelid and a.attnum = d.refobjsubid
    join pg_catalog.pg_type t on t.oid = a.atttypid
   where t.typcategory not in ('B', 'D', 'T') and a.atttypid not in ('json'::regtype, 'jsonb'::regtype)
),
parts as materialized (
  select t.text, s.part, s.n
    from (select distinct text from policies) as t
   cross join lateral regexp_split_to_table(t.text, '\s(?:AND|OR)\s') with ordinality as s (part, n)
),
standing as materialized (
  select c.policy, c.polrelid, c.attname, c.attnum, c.atttypid, s.part,
         s.part ~ '\mSELECT\M[^()]*\mFROM\M' as queries,
         array(select k.key from meant k
                where k.text = c.text and k.function is null
                  and case when k.key ? 'setting' then strpos(lower(s.part), quote_literal(k.key ->> 'setting')) > 0
                           else strpos(s.part, quote_literal(k.key -> 'claim' ->> -1)) > 0
                                or s.part ~ ('\{([^}]*,)?' || (k.key -> 'claim' ->> -1) || '\}') end
               union
               select k.key from policy_functions pf join function_keys k on k.function = pf.function
                where pf.policy = c.policy
                  and s.part ~ ('(?<![\w$])"?' || regexp_replace(pf.proname, '([^\w])', '\\\1', 'g') || '"?\('))
                      as keys,
         array(select pf.function from policy_functions pf
                where pf.policy = c.policy
                  and s.part ~ ('(?<![\w$])"?' || regexp_replace(pf.proname, '([^\w])', '\\\1', 'g') || '"?\('))
                      as functions
    from policy_columns c
    join parts s on s.text = c.text
   where s.part ~ c.pattern
     -- compared with a constant, it says what a row is and not whose
     and s.part !~ (c.pattern
                    || '\)?(?:::[\w ."]+(?:\(\d+\))?)?\)? (?:=|<>|<|>|<=|>=|IS|IN|~~\*?|!~~\*?) \(*(?:ANY '
                       '\(+)?(?:ARRAY\[)?(?:''|-?\d|(?:true|false|NULL|NOT NULL)\M)')
),
scored as materialized (
  select s.*,
         case when cardinality(s.keys) > 0 then 4
              when s.queries or cardinality(s.functions) > 0 then 3
              when exists (select from policy_keys k where k.policy = s.policy) then 2
              else 1 end as score
    from standing s
),
reading as materialized (  -- tables other than its own that a policy reads, by itself or through its functions
  select p.oid as policy, d.refobjid as relid
    from policies p
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
     and d.refclassid = 'pg_catalog.pg_class'::regclass
   where d.refobjid <> p.polrelid
  union
  select pf.policy, r.oid
    from policy_functions pf
    join walk w on w.root = pf.function
    join functions f on f.oid = w.function
    join relations r on f.body ~ ('(?<![\w$])' || regexp_replace(r.relname, '([^\w])', '\\\1', 'g') || '(?![\w$])')
                    and f.body ~* '\m(from|join)\M'
),
looking as materialized (  -- functions that look into tables
  select distinct w.root as function
    from walk w
    join functions f on f.oid = w.function
   where f.body ~* '\mfrom\M'
),
popular as materialized (
  select attname, count(distinct polrelid) as tables from scored where score >= 2 group by attname
),
ranked as materialized (
  select s.polrelid, s.attname, s.attnum, s.atttypid, max(s.score) as score
    from scored s
    join popular p on p.attname = s.attname
   group by s.polrelid, s.attname, s.attnum, s.atttypid, p.tables
),
chosen as materialized (
  select distinct on (r.polrelid) r.polrelid, r.attname, r.attnum, r.atttypid, r.score
    from ranked r
    join popular p on p.attname = r.attname
   where r.score >= 2
   order by r.polrelid, (r.score >= 3) desc, r.score = 4 desc, p.tables desc,
            r.attname ~* '(tenant|org|account|workspace|company|team|customer|shop|store|merchant)' desc, r.attnum
),
keys as (  -- of a table: what its tenant column is compared with; else what its policies read at all
  select c.polrelid, k.key, count(*) as uses
    from chosen c
    join scored s on s.polrelid = c.polrelid and s.attname = c.attname and s.score = c.score
   cross join lateral (select unnest(s.keys) as key
                       union
                       select k.key from policy_keys k where k.policy = s.policy and cardinality(s.keys) = 0) as k
   group by c.polrelid, k.key
),
popular_keys as (
  select key, sum(uses) as uses from keys group by key
),
contexts as (  -- one claim and one setting at most
  select polrelid,
         (array_agg(key order by uses desc, total desc, jsonb_array_length(key -> 'claim'), key::text)
          filter (where key ? 'claim'))[1] as claim,
         (array_agg(key order by uses desc, total desc, key::text) filter (where key ? 'setting'))[1] as setting,
         max(uses) filter (where key ? 'claim') as claim_uses, max(uses) filter (where key ? 'setting') as setting_uses
    from (select k.*, p.uses as total from keys k join popular_keys p on p.key = k.key) as k
   group by polrelid
),
only_key as materialized (
  select i.indrelid, i.indkey[0] as attnum from pg_catalog.pg_index i where i.indisprimary and i.indnkeyatts = 1
),
-- A column that bears the name of a tenant column, in a table whose own policies say nothing (or which has none)
named as materialized (
  select distinct on (r.oid) r.oid, a.attname, a.attnum, a.atttypid, n.tables
    from relations r
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join (select c.attname, c.atttypid, count(*) as tables
            from chosen c
           where not exists (select from only_key k where k.indrelid = c.polrelid and k.attnum = c.attnum)
           group by c.attname, c.atttypid) as n on n.attname = a.attname and n.atttypid = a.atttypid
   where r.oid not in (select polrelid from chosen)
   order by r.oid, n.tables desc, a.attnum
),
-- Where no policy says anything, names must do; a user's only where policies elsewhere ask for users.
guesses as materialized (
  select r.oid, a.attname, a.attnum, a.atttypid, h.hint, count(*) over (partition by a.attname) as tables
    from relations r
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
   cross join lateral (
     select case when a.attname ~* '^(tenant|org|organi[sz]ation|account|workspace|company|team|customer|client|shop|store|restaurant|merchant|site)(_?(id|uuid|key|slug|code))?$' then 1
                 when a.attname ~* '^((owner|user|author|member|creator)(_?(id|uuid))?|created_by)$'
                 then 2 end as hint) as h
   where r.oid not in (select polrelid from chosen) and r.oid not in (select oid from named)
     and not exists (select from only_key k where k.indrelid = r.oid and k.attnum = a.attnum)
     and case when not exists (select from chosen) then h.hint is not null
              else h.hint = 2 and a.atttypid in (select atttypid from chosen)
                   and exists (select from meant
                                where key -> 'claim' ->> -1 ~* '^sub$|user' or key ->> 'setting' ~* 'user') end
),
guessed as materialized (
  select distinct on (oid) oid, attname, attnum, atttypid, hint from guesses order by oid, hint, tables desc, attnum
),
-- The tables that tenant columns point to: a foreign key to one of them says whose a row is, whatever its name
roots as materialized (
  select distinct f.confrelid as oid
    from pg_catalog.pg_constraint f
    join chosen c on c.polrelid = f.conrelid and f.conkey = array[c.attnum]
   where f.contype = 'f'
  union
  select f.confrelid
    from pg_catalog.pg_constraint f
    join guessed g on g.oid = f.conrelid and f.conkey = array[g.attnum] and g.hint = 1
   where f.contype = 'f'
  union
  select c.polrelid from chosen c join only_key k on k.indrelid = c.polrelid and k.attnum = c.attnum
),
pointing as materialized (
  select distinct on (r.oid) r.oid, a.attname, a.attnum, a.atttypid
    from relations r
    join pg_catalog.pg_constraint f on f.conrelid = r.oid and f.contype = 'f' and cardinality(f.conkey) = 1
     and f.confrelid <> r.oid
    join roots o on o.oid = f.confrelid
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum = f.conkey[1]
   where r.oid not in (select polrelid from chosen) and r.oid not in (select oid from named)
     and r.oid not in (select oid from guessed)
   order by r.oid, a.attnum
),
rooted as materialized (  -- and they themselves, by their key
  select o.oid, a.attname, a.attnum, a.atttypid
    from roots o
    join only_key k on k.indrelid = o.oid
    join pg_catalog.pg_attribute a on a.attrelid = o.oid and a.attnum = k.attnum
   where o.oid not in (select polrelid from chosen) and o.oid not in (select oid from named)
     and o.oid not in (select oid from pointing)
     and o.oid not in (select oid from guessed)
     and o.oid in (select oid from relations)
),
-- Details: a foreign key to a tenant's row makes a row the tenant's
children as materialized (
  select distinct on (r.oid) r.oid, a.attname, a.attnum, a.atttypid, f.confrelid as parent, p.attname as parent_key
    from relations r
    join pg_catalog.pg_constraint f on f.conrelid = r.oid and f.contype = 'f' and cardinality(f.conkey) = 1
     and f.confrelid <> r.oid
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum = f.conkey[1]
    join pg_catalog.pg_attribute p on p.attrelid = f.confrelid and p.attnum = f.confkey[1]
   where f.confrelid in (select polrelid from chosen union all select oid from named union all select oid from guessed)
     and r.oid not in (select polrelid from chosen union all select oid from named union all select oid from pointing
                       union all select oid from rooted union all select oid from guessed)
   order by r.oid, a.attnotnull desc, a.attnum
),
found as (
  select polrelid as oid, attname, attnum, atttypid, 'policy' as source, score from chosen
  union all select oid, attname, attnum, atttypid, 'name', 0 from named
  union all select oid, attname, attnum, atttypid, 'foreign key', 0 from pointing
  union all select oid, attname, attnum, atttypid, 'key of tenants', 0 from rooted
  union all select oid, attname, attnum, atttypid, case hint when 2 then 'user by name' else 'guess' end, 0 from guessed
  union all select oid, attname, attnum, atttypid, 'parent', 0 from children
)
