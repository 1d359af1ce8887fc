-- uses: model
-- Those of the tenant roles that this session can become, and that the probes ran as.
probed_roles as (
  select r.role, r.place from model, jsonb_array_elements_text(model -> 'probed') with ordinality as r (role, place)
)
