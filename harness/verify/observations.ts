/** One role and table, with the statements that ask about it (probes/compose.sql). */
export interface Subject {
  role: string;
  relation: string;
  place: number;
  /** The place of the table whose policies say the same: it is judged for all of them. */
  leader: number;
  locked: boolean;
  /** A policy calls what the role could not name. */
  beyond: boolean;
  statement: string;
  readable: boolean;
  judge: string | null;
  judged?: boolean;
  alone: string | null;
  names: string[] | null;
  positions: Record<string, number> | null;
  put: string | null;
  take: string | null;
  wipe: string | null;
  facts: Record<string, unknown>;
}

/** A table and a context in which something is open or went wrong. */
export interface Hole {
  place: number;
  context: string;
  visible: boolean;
  open: string[];
  sqlstate?: string;
  message?: string;
  undecided?: boolean;
}

export interface Looked {
  opened: number[];
  holes: Hole[];
}

export type Acted = { place: number } & Record<string, unknown>;

/** What the probes wrote down of each role and table, and of whatever is open in some context. */
export interface Observations {
  /** Tables of one role that answered alike share a row. */
  tables: { role: string; relations: string[]; [answer: string]: unknown }[];
  holes: ({ role: string; relation: string; again?: true } & Omit<Hole, "place">)[];
}

const lockHeld = { sqlstate: "55P03", message: "another session holds a lock on it" };
const isProtected = { sqlstate: "HS001", message: "this branch is protected" };

/** The answers about one role, by table. */
export function toObservations(
  role: string,
  subjects: Subject[],
  { probing, looked, again, acted }: { probing: boolean; looked: Looked; again: Looked; acted: Acted[] },
): Observations {
  const relationAt = new Map(subjects.map(({ place, relation }) => [place, relation]));
  const opened = new Set(looked.opened);
  const actedAt = new Map<number, Record<string, unknown>>();
  for (const { place, ...answer } of acted) actedAt.set(place, { ...actedAt.get(place), ...answer });
  const kinds = new Map<string, { role: string; relations: string[] }>();
  for (const { place, leader, locked, relation, facts } of subjects) {
    const { careless, sqlstate, message } = actedAt.get(leader) ?? {};
    const { insertState, updateFiltered, deleteFiltered } = actedAt.get(place) ?? {};
    const judged = locked ? lockHeld : probing ? { careless, sqlstate, message } : isProtected;
    const answer = {
      opened: opened.has(leader),
      ...facts,
      ...judged,
      insertState,
      updateFiltered,
      deleteFiltered,
    };
    const key = JSON.stringify(answer);
    const kind = kinds.get(key) ?? { role, relations: [], ...answer };
    kind.relations.push(relation);
    kinds.set(key, kind);
  }
  const named = ({ place, ...hole }: Hole) => ({ role, relation: relationAt.get(place) as string, ...hole });
  const known = new Set(looked.holes.map(keyOf));
  return {
    tables: [...kinds.values()],
    holes: [
      ...looked.holes.map(named),
      ...again.holes
        .filter((hole) => !known.has(keyOf(hole)))
        .map((hole) => ({ ...named(hole), again: true as const })),
    ],
  };
}

const keyOf = ({ place, context }: Hole) => `${place} ${context}`;
