// `npm start`: from a clone to a verified database. Every step can be repeated; the second time there is less to do.
import { prepare, root } from "./prepare.mjs";

prepare();
const { $, chalk } = await import("zx");
const { loadDemoData } = await import("./load-demo-data.mjs");
$.cwd = root;
const harness = $({ stdio: "inherit", verbose: false, nothrow: true });

await step("branch", "start", "main");
await step("setup", "--branch", "local:main");
await step("apply", "--branch", "local:main");
process.stdout.write(`${await loadDemoData()}\n\n`);
const { exitCode } = await harness`node dist/cli.js verify --branch local:main`;

process.stdout.write(`
${chalk.bold("What next")}
  npx harness verify                     the same proof again, at any time
  npx harness as de300000-0000-4000-8000-000000000001 \\
    "select * from public.bookings"      look through one restaurant's eyes
  npx harness test                       the pgTAP isolation tests
  npx harness verify --help              your own database: --database-url, --branch
  npx harness branch stop main           stop the local server
`);
process.exit(exitCode ?? 1);

async function step(...args) {
  const { exitCode: status } = await harness`node dist/cli.js ${args}`;
  if (status !== 0) process.exit(status ?? 1);
  process.stdout.write("\n");
}
