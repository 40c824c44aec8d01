/**
 * Thinking that one provider sealed, carried through a client that speaks another dialect and back.
 *
 * The client's field (a signature, an encrypted_content) holds the other provider's seal behind our tag. On the way back the tag says
 * whose it is: a provider only gets its own seals, since it answers 400 to any other.
 */

import { DIALECTS, type Dialect, type Seal } from "./types.ts";

const TAG = "signalbox.";

/** The seal as a string for a field of the dialect `inside`. */
export function writeSeal(seal: Seal, inside: Dialect): string {
  if (seal.by === inside && !seal.redacted) return seal.data;
  return `${TAG}${seal.by}.${seal.redacted ? "redacted" : "plain"}.${seal.data}`;
}

export function readSeal(text: string, inside: Dialect): Seal {
  const by = DIALECTS.find((dialect) => text.startsWith(`${TAG}${dialect}.`));
  if (!by) return { by: inside, data: text };
  const rest = text.slice(TAG.length + by.length + 1);
  const dot = rest.indexOf(".");
  const data = rest.slice(dot + 1);
  return rest.slice(0, dot) === "redacted" ? { by, data, redacted: true } : { by, data };
}
