-- uses: view_edges, protected_tables
-- The protected tables that each view reads, through however many others.
view_uses as materialized (
  with recursive up as (
    select e.view, t.oid as used from view_edges e join protected_tables t on t.oid = e.ref
    union
    select e.view, up.used from up join view_edges e on e.ref = up.view
  )
  select * from up
)
