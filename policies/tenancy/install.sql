-- Tenant isolation: the context, the background role and the two functions that every tenant table goes through.
\ir schema.sql
\ir claims.sql
\ir claim.sql
\ir context.sql
\ir background.sql
\ir isolate-children.sql
\ir protect.sql
\ir append-only.sql
