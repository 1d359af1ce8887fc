-- Which columns are known to hold data of guests, or to hold none: one row.
select coalesce(jsonb_agg(jsonb_build_object('relation', g.relation, 'columnName', g.column_name)
                          order by g.relation, g.column_name), '[]') as columns
  from pii.guest_columns g
