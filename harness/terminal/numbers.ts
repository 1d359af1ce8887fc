// Numbers for people. Programs read JSON, which has them in full.

/** 12,000 */
export const count = (number: number): string => number.toLocaleString("en");

/** 12.3k, in a column that has no room for more. */
export const shortCount = (number: number): string => scaled(number, ["", "k", "M", "G"], 1000, "");

/** 12.3 MB, of 1024 × 1024 bytes. */
export const size = (bytes: number): string => scaled(bytes, ["B", "kB", "MB", "GB", "TB"], 1024, " ");

/** 12.3 s, 5 min 3 s, 2 h 10 min, 3 d 4 h */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

function scaled(number: number, units: readonly string[], base: number, between: string): string {
  let value = number;
  let at = 0;
  while (value >= base && at < units.length - 1) {
    value /= base;
    at++;
  }
  const text = at === 0 || value >= 100 ? Math.round(value).toString() : value.toFixed(1);
  const unit = units[at] ?? "";
  return unit === "" ? text : `${text}${between}${unit}`;
}
