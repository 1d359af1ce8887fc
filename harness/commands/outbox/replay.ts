import { command } from "../../command-line/command.ts";
import { flag, option } from "../../command-line/option.ts";
import { withClient } from "../../command-line/session.ts";
import { json, writing } from "../../command-line/shared-options.ts";
import { count, serial, table, uuid } from "../../command-line/values.ts";
import { exitCodes, HarnessError } from "../../core/errors.ts";

/** Exit code 1 if there was nothing to replay. */
export default command({
  summary: "let dead events be tried again, from the first attempt",
  options: {
    queue: option(table, "queue (default: public.capacity_outbox)"),
    dead: flag("all that are dead"),
    tenant: option(uuid(), "those of a tenant"),
    id: option(serial("id"), "one of them"),
    limit: option(count("number", { most: 9_999_999 }), "so many at most, the oldest first", "1000"),
    dryRun: flag("change nothing, say what would be replayed"),
    ...json,
    ...writing,
  },
  async run({ dead, id = null, tenant = null, limit, dryRun, ...options }) {
    if (!dead && id === null && tenant === null) {
      throw new HarnessError({
        code: "nothing-chosen",
        message: "outbox replay wants to know what",
        hint: "Give --dead for all dead events, --tenant for those of a tenant, --id for one.",
      });
    }
    const { findQueue } = await import("../../outbox/queues.ts");
    const { describeReplayed, replay } = await import("../../outbox/replay.ts");
    const { cancelOnExit } = await import("../../targets/session/cancel-on-exit.ts");
    return withClient(options, dryRun ? "reads" : "writes", "outbox replay", async ({ client, target }) => {
      const queue = (await findQueue(client, options.queue)).name;
      const nothing = () => "nothing has been replayed. The same command begins anew";
      const over = cancelOnExit(client, target.url, nothing);
      const events = await replay(client, { queue, tenant, id, limit, dryRun }).finally(over);
      return {
        json: { branch: target.branch, queue, dryRun, events },
        text: describeReplayed(events, dryRun),
        exitCode: events.length > 0 ? exitCodes.clean : exitCodes.findings,
      };
    });
  },
});
