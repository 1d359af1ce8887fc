// Applications open transactions in the same way, and know nothing of this room.
export { beginStatement, inTransaction, type Limits, meaning, type Opening } from "../client/transaction.ts";

/**
 * Takes back, until the transaction ends, what else is attached to the database or the role (ALTER DATABASE … SET, ALTER ROLE … SET), so that
 * a verdict does not depend on it. Not the settings of applications: what they say when nobody has set them is theirs to say.
 */
export const neutralSettings = `select set_config(name, coalesce(boot_val, ''), true) from pg_catalog.pg_settings
  where source in ('database', 'user', 'database user') and context = 'user' and strpos(name, '.') = 0;`;
