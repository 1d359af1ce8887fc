/** One database, reachable now: what a branch name or a URL stands for. */
export interface Target {
  /** The branch's name, or null for a bare URL. */
  branch: string | null;
  provider: "local" | "neon" | "url";
  /** Direct URL of the owner role, password included: never print it. */
  url: string;
  /** Lets go of the branch; a local server that nobody else uses stops then. Safe to call twice. */
  release(): Promise<void>;
}
