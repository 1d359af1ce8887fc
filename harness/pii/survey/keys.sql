-- The wrapped data keys of some tenants, read as the role that owns the functions of PII protection, and how many live
-- keys each configured key wraps. Wrapped keys say nothing to whoever has not the configured one.
--
-- input   {path, tenants: [uuid]}
-- output  {wrapped: [{tenant, kid, under, wrapped, nextUnder, nextWrapped}], live: [{under, nextUnder, keys}]}
begin
  output := jsonb_build_object(
    'wrapped', (select coalesce(jsonb_agg(jsonb_build_object('tenant', k.restaurant_id, 'kid', k.kid,
                                          'under', encode(k.wrapped_under, 'hex'), 'wrapped', encode(k.wrapped, 'hex'),
                                          'nextUnder', encode(k.next_wrapped_under, 'hex'), 'nextWrapped',
                                          encode(k.next_wrapped, 'hex'))), '[]')
                  from pii.tenant_keys k
                 where k.state <> 'destroyed'
                   and k.restaurant_id in (select jsonb_array_elements_text(input -> 'tenants')::uuid)),
    'live', (select coalesce(jsonb_agg(to_jsonb(l)), '[]')
               from (select encode(k.wrapped_under, 'hex') as under, encode(k.next_wrapped_under, 'hex') as "nextUnder",
                     count(*) as keys
                       from pii.tenant_keys k where k.state <> 'destroyed' group by 1, 2) as l));
end;
