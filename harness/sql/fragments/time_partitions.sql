-- uses: time_parents, partition_bounds
-- What each of their partitions is for.
time_partitions as materialized (
  select b.parent, b.child as oid, b.detaching as inhdetachpending, b.starts_at, b.ends_at
    from time_parents p
    join partition_bounds b on b.parent = p.oid and not b.is_default
)
