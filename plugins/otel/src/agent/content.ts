import { redactText, redactValue } from "../redact.ts";

/** Characters kept of one value. */
export const MAX_CONTENT_CHARACTERS = 65_536;

/** JSON without secrets, for an attribute; undefined where there is nothing to say. */
export function contentJson(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const json = JSON.stringify(redactValue(value, { maxLength: MAX_CONTENT_CHARACTERS }));
  return json === undefined ? undefined : redactText(json, MAX_CONTENT_CHARACTERS);
}
