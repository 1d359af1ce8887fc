-- needs: platform, outbox
-- Confirming holds: the ledger, the answers by key, and the call itself.
\ir records.sql
\ir confirm.sql
