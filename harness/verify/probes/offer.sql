-- Offers a stranger's row to each table, as the tenant role: verify/probes/compose.sql says how the row is stopped
-- before it lasts. It comes last, and only to tables whose policies were evaluated in a read-only transaction before:
-- they write nothing.
--
-- input   {path, settings, tables: [{place, put}]}
-- output  [{place, insertState}]: the SQLSTATE it was answered with, or HS000 if nothing stopped it
declare
  path constant text := input ->> 'path';
  target record;
  states jsonb[] := '{}';
begin
  perform set_config(key, value, true) from jsonb_each_text(input -> 'settings');
  for target in select t.place, t.put from jsonb_to_recordset(input -> 'tables') as t (place int, put text) loop
    begin
      perform pg_catalog.set_config('search_path', path, true);
      execute target.put;
      raise exception using errcode = 'HS000';  -- not even what it returns was asked for
    exception when others then
      states := pg_catalog.array_append(states, pg_catalog.jsonb_build_object('place', target.place,
        'insertState', case when pg_catalog.strpos(sqlerrm, 'harness.stored_') > 0 then 'HS000' else sqlstate end));
    end;
  end loop;
  output := to_jsonb(states);
end;
