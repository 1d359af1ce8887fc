import { readConfig } from "../client/config-file.ts";
import { type Config, configSchema } from "./schema.ts";

export { configFileName, requireIsolation } from "../client/config-file.ts";

/**
 * The configuration: the file named, else harness.config.json from here upwards, else nothing but defaults.
 * @throws HarnessError `config-unreadable`, `config-invalid` (with the path of the wrong key)
 */
export const loadConfig = (file?: string): Config => readConfig(configSchema, file);
