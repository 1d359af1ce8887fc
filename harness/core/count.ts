/** A number for people: 12,000. */
export const count = (number: number): string => number.toLocaleString("en");
