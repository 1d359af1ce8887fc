import { printableJson } from "../../core/printable.ts";
import type { Format } from "../report.ts";

const json: Format = (report) => `${printableJson(report, 2)}\n`;
export default json;
