import { createHash } from "node:crypto";
import { storableText } from "@signalbox/otel/conventions";

/**
 * Text of at most `bytes` bytes of UTF-8. A longer one is cut and ends in a hash of the whole, so that two that differ only behind
 * the cut stay two.
 */
export function boundedText(text: string, bytes: number): string {
  const storable = storableText(text);
  if (storable.length * 3 <= bytes || Buffer.byteLength(storable) <= bytes) return storable;
  const mark = `~${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
  const cut = Buffer.from(storable)
    .subarray(0, bytes - mark.length)
    .toString("utf8");
  return cut.replace(/\uFFFD+$/u, "") + mark;
}

/** Text of at most `characters` UTF-16 units, ending in an ellipsis that says how much is missing. */
export function truncatedText(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters).toWellFormed()}… [${text.length - characters} more characters]`;
}
