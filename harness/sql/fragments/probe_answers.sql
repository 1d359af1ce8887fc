-- What the probes found; tables that answered alike share a row there.
probe_answers as materialized (
  select o ->> 'role' as role, r.relation, coalesce((o ->> 'probed')::boolean, true) as probed, o ->> 'kind' as kind,
         (o ->> 'active')::boolean as active,
         (o ->> 'opened')::boolean as opened, o ->> 'sqlstate' as sqlstate, o ->> 'message' as message,
         (o ->> 'select')::boolean as can_select, (o ->> 'insert')::boolean as can_insert,
         (o ->> 'update')::boolean as can_update,
         (o ->> 'move')::boolean as can_move, (o ->> 'delete')::boolean as can_delete,
         (o ->> 'truncate')::boolean as can_truncate,
         o ->> 'insertState' as insert_state, (o ->> 'updateFiltered')::boolean as update_filtered,
         (o ->> 'deleteFiltered')::boolean as delete_filtered,
         o -> 'careless' as careless
    from jsonb_array_elements(current_setting('harness.observations')::jsonb -> 'tables') as o
   cross join lateral (select jsonb_array_elements_text(o -> 'relations') as relation) as r
)
