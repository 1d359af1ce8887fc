-- needs: platform
-- Queues with leases, fair between tenants, and the two outboxes of the reference platform.
\ir schema.sql
\ir queues.sql
\ir register.sql
\ir workers.sql
\ir enqueue.sql
\ir claim.sql
\ir settle.sql
\ir sweep.sql
\ir replay.sql
\ir archive.sql
\ir platform.sql
