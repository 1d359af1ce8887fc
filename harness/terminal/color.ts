import pc from "picocolors";
import { ofStdout, terminalOf } from "./terminal.ts";

export type Colors = ReturnType<typeof pc.createColors>;

export const colors = (color: boolean): Colors => pc.createColors(color);

/** For what goes to stdout. */
export const paint = colors(ofStdout().color);

/** For what goes to stderr. */
export const paintNote = colors(terminalOf(process.stderr).color);

/** Whether stdout takes colours. */
export const inColor = ofStdout().color;
