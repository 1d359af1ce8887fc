// Makes the command line ready to run, whatever is missing: packages, the build, the `harness` link. Needs nothing but Node and npm,
// and takes no time when there is nothing to do.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const cli = join(root, "dist", "cli.js");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

export function prepare() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    stop(`harness needs Node 20.19 or newer; this is ${process.version}`);
  }
  process.chdir(root);
  installPackages();
  build();
}

function installPackages() {
  const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
  const stamp = join("node_modules", ".harness-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  say("Installing packages");
  run(npm, ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, lock);
}

function build() {
  const stamp = join("dist", ".built");
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  const sources = readdirSync("harness", { recursive: true }).filter((file) => String(file).endsWith(".ts"));
  const files = [
    ...sources.map((file) => join("harness", String(file))),
    "tsconfig.json",
    "tsconfig.build.json",
    "package-lock.json",
  ];
  if (files.every((file) => statSync(file).mtimeMs < built)) return;
  say("Compiling");
  rmSync("dist", { recursive: true, force: true });
  run(process.execPath, [join("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  chmodSync(cli, 0o755);
  linkCommand();
  writeFileSync(stamp, "");
}

/** npx looks here: `npx harness …` works inside the clone as it does where the package is installed. */
function linkCommand() {
  if (process.platform === "win32") return;
  const link = join("node_modules", ".bin", "harness");
  mkdirSync(join("node_modules", ".bin"), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", "..", "dist", "cli.js"), link);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    stdio: ["ignore", process.stderr.fd, process.stderr.fd],
  });
  if (error) stop(`${command} cannot be run: ${error.message}`);
  if (status !== 0) stop(`${command} ${args[0]} failed (exit code ${status}); what it says is above`);
}

function say(what) {
  process.stderr.write(`${what} …\n`);
}

function stop(message) {
  process.stderr.write(`harness: ${message}\n`);
  process.exit(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepare();
