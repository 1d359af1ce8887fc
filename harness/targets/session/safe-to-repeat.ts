/** What is safe to repeat after a connection was lost or a lock did not come, by what the connection was for. */
const sentences: Record<string, string> = {
  reads: "Nothing was changed, so this is safe to repeat.",
  writes: "What was not committed is rolled back; this is safe to repeat, and goes on where it stopped.",
  apply:
    "What was under way is rolled back; `harness status` says what the branch has, and `harness apply` goes on from there.",
  commit:
    "current.sql is as you wrote it; look into migrations/committed and at `harness status` before you commit again.",
  setup: "Each step is done or not begun: `harness setup` goes on with what is missing.",
  verify: "Probes are rolled back and nothing was changed, so this is safe to repeat.",
  test: "Test files are rolled back and nothing of yours was changed, so this is safe to repeat.",
  bench: "Nothing of yours was changed; the next run removes the databases that this one made.",
  // the answer to COMMIT may be what was lost
  as: "Without --commit nothing was changed; with it, look whether the change is there before you repeat it.",
  init: "Nothing was written, so this is safe to repeat.",
  status: "Nothing was changed, so this is safe to repeat.",
  "outbox status": "Nothing was changed, so this is safe to repeat.",
  "outbox replay": "An event is replayed once: this is safe to repeat.",
  "outbox reindex": "An index that is half built is dropped by the next run: this is safe to repeat.",
  "pii status": "Nothing was changed, so this is safe to repeat.",
  "pii export": "Nothing was changed, so this is safe to repeat.",
  "pii erase": "It is one transaction, done as a whole or not at all: this is safe to repeat.",
  "partitions status": "Nothing was changed, so this is safe to repeat.",
};

export function safeToRepeat(purpose: string): string {
  return sentences[purpose] ?? (sentences.writes as string);
}
