import type { Format } from "../report.ts";

const json: Format = (report) => `${JSON.stringify(report, null, 2)}\n`;
export default json;
