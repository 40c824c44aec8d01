/** Text that names somebody, as it is kept: a key in Postgres, an attribute of spans. */

import { storableText } from "@signalbox/otel/conventions";

/** UTF-16 units; longer ones are cut. */
export const MAX_ID_LENGTH = 256;

/** Undefined for what is no text, and for none. What Postgres cannot hold is replaced as the collector does it, so that both know one id. */
export function idText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? storableText(value.slice(0, MAX_ID_LENGTH)) : undefined;
}
