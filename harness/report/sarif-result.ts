import { createHash } from "node:crypto";
import { printable } from "../core/printable.ts";
import { identityOf, type Result, type Waiver } from "../core/results.ts";
import { codeSpan, prose, sqlBlock } from "./markdown-text.ts";
import { levels, plainMessage } from "./sarif-rule.ts";

/** What the results of a run refer to. */
export interface SarifRun {
  /** Place of each code in the list of rules. */
  ruleIndex: ReadonlyMap<string, number>;
  tables: ReadonlySet<string>;
}

/** A finding as a result of SARIF. */
export function finding(result: Result, run: SarifRun) {
  const { code, severity, detail, object, evidence, fix, waiver } = result;
  const fingerprint = createHash("sha256").update(identityOf(result)).digest("hex").slice(0, 32);
  const markdown = [
    `${codeSpan(object)}: ${prose(detail)}`,
    ...(evidence ? ["See it:", sqlBlock(evidence)] : []),
    ...(fix ? ["Mend it:", sqlBlock(fix)] : []),
  ].join("\n\n");
  return {
    ruleId: code,
    ruleIndex: run.ruleIndex.get(code) ?? -1,
    level: levels[severity],
    message: { text: messageOf(result), markdown },
    locations: [location(result, run)],
    // GitHub knows the first name only, under which it expects a hash of a line of source
    partialFingerprints: { primaryLocationLineHash: fingerprint, "codeAndObject/v1": fingerprint },
    suppressions: waiver ? [suppression(waiver)] : [],
    properties: { evidence, fix },
  };
}

/** What was not decided, as something that the tool has to say of itself. */
export function notification(result: Result, run: SarifRun) {
  const { code, outcome } = result;
  return {
    descriptor: { id: outcome },
    associatedRule: { id: code, index: run.ruleIndex.get(code) ?? -1 },
    level: outcome === "error" ? "error" : "warning",
    message: { text: messageOf(result) },
    locations: [location(result, run)],
  };
}

function messageOf({ object, detail }: Result): string {
  return plainMessage(printable(`${object}: ${detail}`));
}

/**
 * The object of the database. It has no file, and GitHub refuses a result without one: the configuration stands for it, since the
 * isolation that was meant is described there, and that is where a waiver goes.
 */
function location({ object, area }: Result, { tables }: SarifRun) {
  const kind = tables.has(object) ? "table" : area === "roles" ? "role" : "object";
  const name = /(?:"(?:[^"]|"")*"|[^."]+)$/.exec(object)?.[0] ?? object;
  return {
    physicalLocation: { artifactLocation: { uri: "harness.config.json" }, region: { startLine: 1 } },
    logicalLocations: [{ name, fullyQualifiedName: object, kind }],
  };
}

function suppression({ source, reason, owner, expires }: Waiver) {
  const parts = [reason, owner && `owner ${owner}`, expires && `until ${expires}`];
  return {
    kind: "external",
    status: "accepted",
    justification: parts.filter(Boolean).join(", "),
    properties: { source },
  };
}
