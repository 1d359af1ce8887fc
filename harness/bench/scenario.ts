import type { Client, Pool } from "pg";

/**
 * A scenario is one file of scenarios/, named like the file, whose default export is this. State is what its
 * `setup` makes and everything else works on.
 */
export interface Scenario<State = unknown> {
  /** One line. */
  title: string;
  /** What is measured against what, and what is not in the figures. */
  description: string;
  /** Whether it needs a server at all. */
  database: boolean;
  setup(stage: Stage): Promise<State>;
  /** By name: `rls/count` is the comparison `count` of scenario `rls`. */
  comparisons: Record<string, Comparison<State>>;
  teardown?(state: State): Promise<void>;
}

/** What a scenario plays on. */
export interface Stage {
  /** True: tiny data, since nobody looks at the figures. */
  quick: boolean;
  /** A database of its own on the server, with the reference platform's set-up and migrations; dropped after the run. */
  createDatabase(): Promise<ScratchDatabase>;
}

export interface ScratchDatabase {
  /** The owner's connection, open until the end of the scenario. */
  client: Client;
  /** A further connection as the owner, closed at the end of the scenario. */
  connect(): Promise<Client>;
  /** Connections as the owner for a peer that wants a pool, closed at the end of the scenario. */
  pool(max: number): Pool;
}

export interface Comparison<State = unknown> {
  title: string;
  /**
   * Unit of figures that `run` answers with itself, such as the longest stall of a reader. Without it
   * `run` is timed by the clock, in ms. Smaller is better.
   */
  unit?: string;
  /** The package that has what is compared. Where it is not installed the comparison is left out, and an error if named itself. */
  needs?: string;
  /** It takes minutes: measured only if it is named itself, as in `harness bench verify/growth`. */
  long?: true;
  /** Runs once before the first round: makes what only this one needs, and proves that both sides do the same work. */
  prepare?(state: State): Promise<void>;
  baseline: Side<State>;
  candidate: Side<State>;
  /** Asked once after the last round: what explains the figures, such as the shares of a whole. */
  notes?(state: State): Record<string, string>;
}

/** One of the two things compared. Both get the same round numbers, so that both can work on the same rows. */
export interface Side<State = unknown> {
  label: string;
  /** Not measured. */
  before?(state: State, round: number): Promise<unknown>;
  run(state: State, round: number): Promise<unknown>;
  /** Not measured. Runs also if `run` has failed. */
  after?(state: State, round: number): Promise<unknown>;
}
