-- code: H307
-- name: trust-no-editable-claim
-- title: No policy trusts what users may write about themselves
-- severity: critical
-- kind: catalogue
-- uses: policies, policy_trees, function_bodies
-- sources: bypass catalogue row 20; https://supabase.com/docs/guides/database/postgres/row-level-security;
--   https://supabase.com/docs/guides/database/database-advisors?lint=0015_rls_references_user_metadata
-- The policies that a tenant role meets, each with what it belongs to.
-- The constant is looked for as the bytes that the tree holds (user_metadata), and the rare tree that has them read as
-- text.
with direct as materialized (
  select p.relation, p.polname, p.alteration, p.polpermissive
         and not coalesce(p.floors && array['*', p.polcmd], false) as opens, p.polqual, x.*,
         x.using_text || coalesce(x.check_text, '') ~ '''[^'']*\muser_metadata\M[^'']*''|\mraw_user_meta_data\M'
           as trusting
    from policies p
   cross join lateral (select coalesce(pg_get_expr(p.polqual, p.polrelid), '') as using_text,
                       pg_get_expr(p.polwithcheck, p.polrelid) as check_text) as x
   where (array[p.using_tree, p.check_tree] && (select array_agg(t.tree_id::int) from policy_trees t
                                                  where t.tree
                                                        like any (
                                                            array['%117 115 101 114 95 109 101 116 97 100 97 116 97%',
                                                                  '%raw\_user\_meta\_data%']))) is true
),
indirect as materialized (
  select b.function, b.signature, x.body ~ '''[^'']*\muser_metadata\M[^'']*''|\mraw_user_meta_data\M' as trusting
    from function_bodies b
   cross join lateral (select coalesce(b.code, pg_get_function_sqlbody(b.function)) as body) as x
   where b.function >= 16384 and b.lanname not in ('c', 'internal')
)
select d.relation as object, case when bool_or(d.trusting) then 'fail' else 'pass' end as outcome,
       coalesce(string_agg(format('policy %I trusts user_metadata, which its user can change', d.polname), '; '
                           order by d.polname) filter (where d.trusting), 'it does not trust user_metadata') as detail,
       format(
           'select polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy where '
           'polrelid = %L::regclass;', d.relation) as evidence,
       string_agg(d.alteration
                  || case when d.polqual is not null
                          then format(E'\n  using (%s)',
                                      replace(replace(d.using_text, 'raw_user_meta_data', 'raw_app_meta_data'),
                                              'user_metadata', 'app_metadata')) else '' end
                  || case when d.check_text is not null
                          then format(E'\n  with check (%s)',
                                      replace(replace(d.check_text, 'raw_user_meta_data', 'raw_app_meta_data'),
                                              'user_metadata', 'app_metadata')) else '' end || ';',
                  E'\n' order by d.polname) filter (where d.trusting) as fix,
       case when not bool_or(d.trusting and d.opens) then 'medium' end as severity
  from direct d
 group by d.relation
union all
select i.signature, case when i.trusting then 'fail' else 'pass' end,
       case when i.trusting then 'policies lead to it, and it trusts user_metadata, which its user can change'
            else 'it does not trust user_metadata' end,
       format('select pg_get_functiondef(%L::regprocedure);', i.signature),
       case when i.trusting
            then replace(replace(pg_get_functiondef(i.function), 'raw_user_meta_data', 'raw_app_meta_data'),
                         'user_metadata', 'app_metadata') || ';' end,
       null
  from indirect i
