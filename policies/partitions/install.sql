-- version: 3
-- All of this folder, in order: for psql, and for harness, which installs it where it is missing.
\ir schema.sql
\ir periods.sql
\ir children.sql
\ir managed.sql
\ir isolate.sql
\ir create-child.sql
\ir ensure.sql
\ir expire.sql
\ir dependents.sql
\ir build-parent.sql
\ir blockers.sql
\ir exchange.sql
\ir rebuild.sql
\ir conversions.sql
\ir conversion-steps.sql
\ir copy.sql
\ir snapshots.sql
\ir swap.sql
