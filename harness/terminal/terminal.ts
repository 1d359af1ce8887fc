import { pathToFileURL } from "node:url";

export interface Terminal {
  color: boolean;
  /** Whether it makes OSC 8 hyperlinks clickable. */
  links: boolean;
}

interface Stream {
  isTTY?: boolean | undefined;
}

type Environment = Record<string, string | undefined>;

/** Whether lines can be written over and colours are understood. */
export const isScreen = (stream: Stream, env: Environment = process.env): boolean =>
  stream.isTTY === true && env.TERM !== "dumb";

/**
 * What may be written to a stream besides text. NO_COLOR counts more than FORCE_COLOR, and both more than what the stream is. That a CI
 * service runs the command adds no colour: its logs are read as text as well.
 */
export function terminalOf(stream: Stream, env: Environment = process.env): Terminal {
  const able = isScreen(stream, env);
  const forced = env.FORCE_COLOR ? !["0", "false"].includes(env.FORCE_COLOR) : null;
  const color = !env.NO_COLOR && (forced ?? able);
  return { color, links: able && !env.NO_COLOR && forced !== false && knowsLinks(env) };
}

/** What stdout takes. */
export const ofStdout = (): Terminal => terminalOf(process.stdout);

/** No terminal can be asked; these are known to follow links, or at least to hide them. */
function knowsLinks(env: Environment): boolean {
  if (env.CI || env.TEAMCITY_VERSION) return false;
  const programs = ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby"];
  return (
    programs.includes(env.TERM_PROGRAM ?? "") ||
    Number(env.VTE_VERSION ?? 0) >= 5000 ||
    Boolean(env.WT_SESSION ?? env.KITTY_WINDOW_ID ?? env.KONSOLE_VERSION ?? env.DOMTERM) ||
    /^(xterm-kitty|xterm-ghostty|alacritty|foot)/.test(env.TERM ?? "")
  );
}

/** A text that opens a file when it is clicked. */
export function fileLink(text: string, path: string): string {
  return `\u001b]8;;${pathToFileURL(path).href}\u001b\\${text}\u001b]8;;\u001b\\`;
}
