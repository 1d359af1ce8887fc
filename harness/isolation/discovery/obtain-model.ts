import type { ClientBase } from "pg";
import type { Config } from "../../config/schema.ts";
import { type IsolationModel, loadModel } from "../model.ts";
import { discoverIsolation } from "./discover.ts";
import type { Discovery } from "./discovery.ts";
import type { LockedTable } from "./locked.ts";

/**
 * The isolation model: as the configuration tells it, or else as the database lets on. The discovery comes along if there was one.
 * @throws HarnessError `unknown-table`, `no-isolation-model`
 */
export async function obtainModel(
  client: ClientBase,
  { isolation }: Config,
): Promise<{ model: IsolationModel; discovery: Discovery | null }> {
  if (isolation) return { model: await loadModel(client, isolation), discovery: null };
  const discovery = await discoverIsolation(client);
  const model = withoutLocked(await loadModel(client, discovery.isolation), discovery.locked);
  const notes = [...discovery.notes, ...notesOn(model)];
  return {
    model: { ...model, source: "discovered", confidence: discovery.confidence, notes },
    discovery: { ...discovery, notes },
  };
}

/** Nothing is said about a table whose policies could not be read: what it is compared with is not known. */
function withoutLocked(model: IsolationModel, locked: LockedTable[]): IsolationModel {
  if (locked.length === 0) return model;
  const names = new Set(locked.map(({ relation }) => relation));
  const undecidable = locked.map(({ relation, holder }) => {
    const found = model.tables.find((table) => table.relation === relation);
    const { tenantColumn = "", type = "" } = found ?? {};
    return {
      relation,
      tenantColumn,
      type,
      reason: `its policies could not be read: ${holder} has it locked`,
    };
  });
  return {
    ...model,
    tables: model.tables.filter(({ relation }) => !names.has(relation)),
    undecidable: [...model.undecidable, ...undecidable],
  };
}

/** What could only be known after the tables were looked at. */
function notesOn({ contexts, memberContexts, undecidable }: IsolationModel): string[] {
  const memberships = new Set(contexts.flatMap(({ context }) => context.membership?.table ?? []));
  const unread = memberContexts.length < memberships.size;
  return [
    ...(unread
      ? [`no row of ${[...memberships].join(", ")} could be read, so that no user's rows are seen to open`]
      : []),
    ...undecidable.map(({ relation, reason }) => `${relation} can't be probed: ${reason}`),
  ];
}
