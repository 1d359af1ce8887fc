-- Settings by which this server writes bind parameters of statements as short as set_config() into its log: the key
-- would be among them. Only a superuser (or whoever has SET on the parameter) can change them, so all we can do is not
-- to send it.
with s as (
  select lower(coalesce(pg_catalog.current_setting(n.name, true), '')) as value, n.name
    from unnest(array['log_parameter_max_length', 'log_statement', 'log_min_duration_statement',
                      'log_min_duration_sample',
                      'log_statement_sample_rate', 'log_transaction_sample_rate', 'auto_explain.log_min_duration',
                      'auto_explain.log_parameter_max_length', 'pgaudit.log', 'pgaudit.log_parameter']) as n (name)
), v as (
  select pg_catalog.jsonb_object_agg(s.name, s.value) as v from s
), logged as (
  select k.name, k.lets, k.cure
    from v
   cross join lateral (values
           ('log_statement', v.v ->> 'log_parameter_max_length' <> '0' and v.v ->> 'log_statement' = 'all',
            'log_parameter_max_length = 0'),
           ('log_min_duration_statement', v.v ->> 'log_parameter_max_length' <> '0'
            and v.v ->> 'log_min_duration_statement' = '0', 'log_parameter_max_length = 0'),
           ('log_min_duration_sample', v.v ->> 'log_parameter_max_length' <> '0'
            and v.v ->> 'log_min_duration_sample' = '0' and v.v ->> 'log_statement_sample_rate' <> '0',
                'log_parameter_max_length = 0'),
           ('log_transaction_sample_rate', v.v ->> 'log_parameter_max_length' <> '0'
            and v.v ->> 'log_transaction_sample_rate' <> '0', 'log_parameter_max_length = 0'),
           ('auto_explain.log_min_duration', v.v ->> 'auto_explain.log_min_duration' = '0'
            and v.v ->> 'auto_explain.log_parameter_max_length' not in ('0', ''),
                'auto_explain.log_parameter_max_length = 0'),
           ('pgaudit.log', v.v ->> 'pgaudit.log_parameter' = 'on' and v.v ->> 'pgaudit.log' ~ 'all|read|misc',
            'pgaudit.log_parameter = off')
         ) as k (name, lets, cure)
)
select name, cure from logged where lets order by name
