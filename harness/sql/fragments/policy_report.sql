-- uses: policy_expressions
-- given: findings
-- What findings about policies come to: a row for each table that has a policy with an expression. reasons is NULL
-- where there is none.
policy_report as (
  select x.relation as object,
         case when count(x.rank) > 0 then 'fail' else 'pass' end as outcome,
         string_agg(x.reason, '; ' order by x.polname) as reasons,
         format(
             'select polname, polpermissive, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, '
             'polrelid) from pg_policy where polrelid = %L::regclass;', x.relation) as evidence,
         string_agg(x.fix, E'\n' order by x.polname) as fix,
         (array['critical', 'high', 'medium', 'low'])[min(x.rank)] as severity
    from (select relation, polname, rank, reason, fix from findings
          union all
          select relation, polname, null, null, null from policy_expressions) as x
   group by x.relation
)
