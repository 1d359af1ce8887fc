// Adds to package-lock.json the packages for other platforms that npm left out. Where a registry mirror holds the packages of one
// platform only, npm writes a lock file that its own `npm ci` refuses ("Missing: …@ from lock file", npm/cli#9846), and
// that would install nothing on the other platforms. Run it after `npm install`; it changes nothing that is there.
import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const cpus = [
  "arm64",
  "x64",
  "ia32",
  "arm",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "loong64",
  "mips64el",
  "wasm32",
];
let added = 0;

for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(optionalDependencies)) {
    if (resolves(path, name)) continue;
    const [os = "", cpu = "", libc] = platformOf(name);
    lock.packages[placeOf(path, name)] = {
      version: range.replace(/^[\^~]/, ""),
      ...(cpus.includes(cpu) ? { cpu: [cpu] } : {}),
      ...(dev ? { dev: true } : {}),
      ...(libc === "musl" ? { libc: ["musl"] } : libc === "gnu" ? { libc: ["glibc"] } : {}),
      optional: true,
      ...(os ? { os: [os] } : {}),
    };
    added++;
  }
}

const entries = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(
  "package-lock.json",
  `${JSON.stringify({ ...lock, packages: Object.fromEntries(entries) }, null, 2)}\n`,
);
process.stdout.write(`${added} packages added\n`);

/** As Node does: the package's own node_modules first, then its parents'. */
function resolves(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    if (lock.packages[`${at ? `${at}/` : ""}node_modules/${name}`]) return true;
    if (!at) return false;
  }
}

/** Beside its sisters for other platforms, which npm did write; else at the top. */
function placeOf(path, name) {
  return lock.packages[`${path}/node_modules`] ||
    Object.keys(lock.packages).some((p) => p.startsWith(`${path}/node_modules/`))
    ? `${path}/node_modules/${name}`
    : `node_modules/${name}`;
}

/** The system, processor and C library that a package of binaries names at its end. */
function platformOf(name) {
  const match =
    /(?:^|[-/])(android|darwin|linux|win32|windows|freebsd|openbsd|netbsd|sunos|aix|openharmony)-(\w+?)(?:-(musl|gnu|gnueabihf|musleabihf|msvc))?$/.exec(
      name,
    );
  if (!match) return [];
  return [match[1] === "windows" ? "win32" : match[1], match[2], match[3]];
}
