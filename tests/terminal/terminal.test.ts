import { describe, expect, test } from "vitest";
import { fileLink, terminalOf } from "../../harness/terminal/terminal.ts";

const tty = { isTTY: true };
const pipe = {};
const kitty = { TERM: "xterm-kitty" };

describe("colours", () => {
  test.each<[string, { isTTY?: boolean }, Record<string, string>, boolean]>([
    ["a terminal", tty, { TERM: "xterm" }, true],
    ["a pipe", pipe, { TERM: "xterm" }, false],
    ["a pipe in CI", pipe, { CI: "true" }, false],
    ["a dumb terminal", tty, { TERM: "dumb" }, false],
    ["NO_COLOR on a terminal", tty, { NO_COLOR: "1" }, false],
    ["an empty NO_COLOR, which says nothing", tty, { NO_COLOR: "" }, true],
    ["FORCE_COLOR on a pipe", pipe, { FORCE_COLOR: "1" }, true],
    ["FORCE_COLOR on a dumb terminal", tty, { FORCE_COLOR: "1", TERM: "dumb" }, true],
    ["FORCE_COLOR=0 on a terminal", tty, { FORCE_COLOR: "0" }, false],
    ["NO_COLOR and FORCE_COLOR", tty, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
  ])("%s", (_, stream, env, color) => {
    expect(terminalOf(stream, env).color).toBe(color);
  });
});

describe("links", () => {
  test.each<[string, { isTTY?: boolean }, Record<string, string>, boolean]>([
    ["kitty", tty, kitty, true],
    ["a terminal made with VTE", tty, { TERM: "xterm-256color", VTE_VERSION: "7600" }, true],
    ["an old VTE", tty, { VTE_VERSION: "4200" }, false],
    ["VS Code", tty, { TERM_PROGRAM: "vscode" }, true],
    ["a terminal nobody knows", tty, { TERM: "xterm" }, false],
    ["a pipe from kitty", pipe, kitty, false],
    ["a pipe with FORCE_COLOR", pipe, { ...kitty, FORCE_COLOR: "1" }, false],
    ["NO_COLOR", tty, { ...kitty, NO_COLOR: "1" }, false],
    ["CI", tty, { ...kitty, CI: "1" }, false],
    ["dumb", tty, { TERM: "dumb", TERM_PROGRAM: "vscode" }, false],
  ])("%s", (_, stream, env, links) => {
    expect(terminalOf(stream, env).links).toBe(links);
  });

  test("a link is OSC 8 around the text, with an encoded address", () => {
    expect(fileLink("4c", "/a b/4c.md")).toBe("\u001b]8;;file:///a%20b/4c.md\u001b\\4c\u001b]8;;\u001b\\");
  });
});
