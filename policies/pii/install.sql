-- needs: platform, outbox, allocator
-- PII protection: what seals, opens, masks, finds, rotates and erases, and the customers of the reference platform.
\ir extension.sql
\ir schema.sql
\ir crypto.sql
\ir normalise.sql
\ir mask.sql
\ir keys.sql
\ir envelope.sql
\ir registry.sql
\ir triggers.sql
\ir protect.sql
\ir batches.sql
\ir phases.sql
\ir rotate.sql
\ir customers.sql
\ir customers-indexes.sql
\ir guests.sql
\ir scrub.sql
\ir erase.sql
\ir find.sql
\ir platform-guests.sql
