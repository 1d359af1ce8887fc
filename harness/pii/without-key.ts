import { HarnessError } from "../core/errors.ts";

/** Says what the key is wanted for, where a guest's address stands in clear no more, and that there is a way without. */
export async function withoutKeyHint<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HarnessError) || error.code !== "missing-pii-key") throw error;
    throw new HarnessError({
      code: error.code,
      message: "the guest's address or number is sealed, and what to look for is not known without the key",
      hint: "Set HARNESS_PII_KEY; or add --without-key, and what names the guest by these alone stays.",
      cause: error,
    });
  }
}
