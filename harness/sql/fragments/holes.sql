-- uses: contexts
-- One row per role, table and context in which something was open or went wrong.
holes as (
  select h.role, h.relation, h.context, c.ordinality, c.kind, c.statements, h.visible, h.open, h.sqlstate, h.message,
         coalesce(h.again, false) as again,
         -- it could not be asked, which is something else than an answer
         coalesce(h.undecided, false) or h.sqlstate in ('55P03', '57014', '42P01', '25006') as undecided,
         format(E'begin;\nset local role %I;\n%s', h.role,
                c.statements || case when c.statements = '' then '' else E'\n' end) as session
    from jsonb_to_recordset(current_setting('harness.observations')::jsonb -> 'holes')
         as h (role text, relation text, context text, visible boolean, open jsonb, sqlstate text, message text,
               again boolean, undecided boolean)
    join contexts c on c.name = h.context
)
