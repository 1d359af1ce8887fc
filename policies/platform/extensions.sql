-- btree_gist lets one index compare uuids and ranges, which ruling out double bookings takes. It is a trusted extension,
-- so the owner of the database may create it; a schema of its own keeps its functions out of the application's.
-- Some platforms bring the schema along, and it is theirs.
do $$
begin
  if pg_catalog.to_regnamespace('extensions') is null then
    create schema extensions;
    comment on schema extensions is 'Extensions whose objects nothing calls by name.';
  end if;
end
$$;
create extension if not exists btree_gist with schema extensions;
