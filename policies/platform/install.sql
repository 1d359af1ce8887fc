-- needs: tenancy, partitions
-- The tables of the reference platform, a booking system for restaurants.
\ir extensions.sql
\ir restaurants.sql
\ir customers.sql
\ir bookings.sql
\ir table-holds.sql
\ir hold-keys.sql
\ir allocations.sql
\ir assignments.sql
\ir outboxes.sql
\ir events.sql
\ir by-month.sql
