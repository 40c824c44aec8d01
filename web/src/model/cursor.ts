/** Cursors are opaque to clients: base64url of the JSON of the last row's sort key. */

export const encodeCursor = (key: object): string => Buffer.from(JSON.stringify(key)).toString("base64url");

/** Undefined where the text is not a cursor with these fields, each a string or number as in `shape`. */
export function decodeCursor<T extends Record<string, string | number>>(
  text: string,
  shape: { [K in keyof T]: T[K] extends number ? "number" : "string" },
): T | undefined {
  try {
    const key: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (typeof key !== "object" || key === null) return undefined;
    const isWhole = Object.entries(shape).every(([name, type]) => typeof (key as Record<string, unknown>)[name] === type);
    return isWhole ? (key as T) : undefined;
  } catch {
    return undefined;
  }
}
