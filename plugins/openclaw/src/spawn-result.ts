import { object, text } from "./host-values.ts";

/** The session that a spawn call's result names: `{"status":"accepted","childSessionKey":…}`, as details or as text. */
export function spawnedKey(result: unknown): string | undefined {
  const read = object(result);
  const key = text(object(read.details).childSessionKey);
  if (key !== undefined) return key;
  const parts = Array.isArray(read.content) ? read.content : [];
  const body = text(object(parts[0]).text) ?? "";
  return /"childSessionKey":\s*"([^"\\]{1,256})"/.exec(body.slice(0, 4_096))?.[1];
}
