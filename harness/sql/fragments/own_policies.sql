-- The policies of every table, so that those of two tables of the same columns can be compared: they are the same if
-- all columns but relation are. In subqueries the catalogue writes the columns of the table with its name, which
-- differs: expressions (USING, WITH CHECK) are arrays of what stands between these names, null where there is none.
-- Literals and quoted identifiers are tokens of their own; a dot before the name, a bracket behind it, or a word that
-- is no column is something else. partitions.policies() answers alike.
own_policies as materialized (
  select p.polrelid as relation, p.polname as name, p.polcmd as command, p.polpermissive as permissive,
         (select array_agg(r order by r) from unnest(p.polroles) as r) as roles, e.expressions
    from pg_catalog.pg_policy as p
    join pg_catalog.pg_class as c on c.oid = p.polrelid
   cross join lateral (
     select jsonb_agg(case when strpos(x.expression, quote_ident(c.relname) || '.') = 0
                           then jsonb_build_array(x.expression) else (
         select jsonb_agg(piece.text order by piece.number)
           from (
             select n.number, string_agg(case when n.is_own then '' else n.token end, '' order by n.place) as text
               from (
                 select o.*, count(*) filter (where o.is_own) over (order by o.place) as number
                   from (
                     select t.token, t.place,
                            t.token = quote_ident(c.relname) and t.next = '.' and t.previous is distinct from '.'
                              and t.opened is distinct from '('
                              and (t.column_name = '*' or t.column_name in (
                                select quote_ident(a.attname) from pg_catalog.pg_attribute as a
                                 where a.attrelid = c.oid and not a.attisdropped)) as is_own
                       from (
                         select found.token[1] as token, found.place, lag(found.token[1]) over w as previous,
                                lead(found.token[1]) over w as next,
                                lead(found.token[1], 2) over w as column_name, lead(found.token[1], 3) over w as opened
                           from regexp_matches(x.expression, $re$('(?:[^']|'')*'|"(?:[^"]|"")*"|[[:alnum:]_$]+|.)$re$,
                                               'g')
                                  with ordinality as found (token, place)
                         window w as (order by found.place)) as t) as o) as n
              group by n.number) as piece) end order by x.place) as expressions
       from unnest(array[pg_catalog.pg_get_expr(p.polqual, p.polrelid),
                         pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)])
              with ordinality as x (expression, place)) as e
)
