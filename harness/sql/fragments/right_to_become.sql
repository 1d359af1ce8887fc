-- What pg_has_role has to be asked for to know whether SET ROLE works: since version 16 a grant can leave it out. One
-- row.
right_to_become as (
  select case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end as become
)
