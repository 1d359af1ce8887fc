-- uses: model
-- What a session can say about who it is, in the order in which the probes try it.
contexts as (
  select c.name, c.kind, c.statements, c.ordinality
    from model,
         rows from (jsonb_to_recordset(model -> 'contexts') as (name text, kind text, statements text)) with ordinality
           as c
)
