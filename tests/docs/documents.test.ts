import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { globSync } from "tinyglobby";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../harness/core/project.ts";
import { loadChecks } from "../../harness/verify/checks.ts";

const read = (path: string) => readFileSync(join(packageRoot, path), "utf8");
const pages = globSync(["*.md", "docs/**/*.md"], { cwd: packageRoot });

test("generated documents are up to date: npm run generate", async () => {
  const { documents } = await import(join(packageRoot, "scripts/generate.mjs"));
  for (const [path, text] of Object.entries(await documents())) expect(read(path), path).toBe(text);
});

describe.each(loadChecks())("check $code", ({ code, name, title, severity, sql, docs }) => {
  test("has a code of its own, a name of words, a severity and a title", () => {
    expect(loadChecks().filter((check) => check.code === code)).toHaveLength(1);
    expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
    expect(["low", "medium", "high", "critical"]).toContain(severity);
    expect(title).toMatch(/^[A-Z]/);
    expect(sql).toMatch(/ as severity/);
  });

  test("has a page that says the same and answers the four questions", () => {
    const page = read(docs);
    expect(page).toContain(`# ${code} ${name}\n\n**${title}.** Severity: ${severity}.`);
    for (const heading of ["Problem", "See it", "Mend it", "When to waive it"])
      expect(page).toContain(`\n## ${heading}\n`);
  });
});

test.each(pages)("%s links to files that are there", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] as string);
  const broken = links.filter((link) => !existsSync(resolve(packageRoot, dirname(page), link)));
  expect(broken).toEqual([]);
});
