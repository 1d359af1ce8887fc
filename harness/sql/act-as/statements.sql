-- Runs somebody's statements as a role, one after the other. Values come back as text, in the order of their columns.
--
-- input   {path, settings, nobody: an expression that is NULL if the context names nobody, statements: [{text, returns:
-- whether it gives rows}]} output  {nobody, results: [{rowCount, rows: [[[column, value, type in JSON]]]}]}
declare
  path constant text := input ->> 'path';
  statements constant jsonb[] := array(select jsonb_array_elements(input -> 'statements'));
  texts constant text[] := array(select s ->> 'text' from unnest(statements) as s);
  returning_rows constant boolean[] := array(select (s ->> 'returns')::boolean from unnest(statements) as s);
  nobody constant text := 'select (' || (input ->> 'nobody') || ') is null';
  is_nobody boolean;
  row_found record;
  row_count bigint;
  rows_found jsonb[];
  results jsonb[] := '{}';
begin
  perform set_config(key, value, true) from jsonb_each_text(input -> 'settings');
  perform pg_catalog.set_config('search_path', path, true);
  execute nobody into is_nobody;
  for i in 1 .. pg_catalog.cardinality(texts) loop
    rows_found := '{}';
    if returning_rows[i] then
      for row_found in execute texts[i] loop
        rows_found := pg_catalog.array_append(rows_found, (
          select coalesce(
              pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(v.key, v.value #>> '{}'::pg_catalog.text[],
                                                                pg_catalog.json_typeof(v.value))
                                                                  order by v.ordinality), '[]'::pg_catalog.jsonb)
            from pg_catalog.json_each(pg_catalog.row_to_json(row_found)) with ordinality
                 as v (key, value, ordinality)));
      end loop;
      row_count := pg_catalog.cardinality(rows_found);
    else
      execute texts[i];
      get diagnostics row_count = row_count;
    end if;
    results := pg_catalog.array_append(results,
                                       pg_catalog.jsonb_build_object('rowCount', row_count, 'rows',
                                                                     pg_catalog.to_jsonb(rows_found)));
  end loop;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  output := jsonb_build_object('nobody', is_nobody, 'results', to_jsonb(results));
end;
