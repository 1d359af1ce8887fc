// A command that uses a branch until it is told to end: prints the branch's URL, then waits for its input to close.
import { localTarget } from "../../../harness/targets/local/target.ts";

const target = await localTarget(process.argv[2] ?? "main");
process.stdout.write(`${target.url}\n`);
await new Promise((resolve) => process.stdin.once("end", resolve).resume());
await target.release();
