import type { FileResult } from "./run-file.ts";

/** One file as a TAP 14 subtest, failures with file, line and diagnostics. */
export function fileAsTap({ file, assertions, durationMs, skipped }: FileResult, number: number): string {
  if (skipped) return `ok ${number} - ${file} # SKIP ${skipped}\n`;
  const lines = [`# Subtest: ${file}`];
  assertions.forEach(({ ok, description, line, diagnostics, directive }, at) => {
    lines.push(`    ${ok ? "ok" : "not ok"} ${at + 1} - ${description}${directive ? ` # ${directive}` : ""}`);
    if (ok) return;
    lines.push("      ---", `      at: ${file}:${line}`);
    if (diagnostics.length > 0)
      lines.push("      diagnostics: |", ...diagnostics.map((text) => `        ${text}`));
    lines.push("      ...");
  });
  lines.push(`    1..${assertions.length}`);
  const ok = assertions.length > 0 && assertions.every((assertion) => assertion.ok);
  lines.push(`${ok ? "ok" : "not ok"} ${number} - ${file} # time=${Math.round(durationMs)}ms`);
  return `${lines.join("\n")}\n`;
}

/** Assertions by outcome. A file without any is a failure: it proves nothing. */
export function countAssertions(results: FileResult[]): { passed: number; failed: number } {
  let passed = 0;
  let failed = 0;
  for (const { assertions, skipped } of results) {
    if (skipped) continue;
    if (assertions.length === 0) failed++;
    for (const { ok } of assertions) ok ? passed++ : failed++;
  }
  return { passed, failed };
}
