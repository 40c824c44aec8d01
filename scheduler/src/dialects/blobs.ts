/**
 * Images and documents that stand in a request as base64: their bytes say little of their tokens. For predictions and rules they are found by
 * the names and looks of long strings; for budgets, where one that is text after all would cost more than was set aside, by where they stand.
 */

/** Both OpenAI and Anthropic count an image by its pixels: this is a picture of about a megapixel. */
export const TOKENS_PER_IMAGE = 1_400;
/** Anthropic: 1,500 to 3,000 a page of a PDF; base64 of a page is about 100 kB. */
export const BASE64_CHARS_PER_PAGE = 100_000;
export const TOKENS_PER_PAGE = 2_000;
/** An image of full detail at the model that counts most, gpt-4o-mini. */
const MOST_TOKENS_PER_IMAGE = 50_000;
/** A document may hold as many as text of its size, and what looks like a blob may be text. */
const LEAST_CHARS_PER_TOKEN = 2;

/** Those of one field. */
export interface Blobs {
  /** That they take in the body. */
  bytes: number;
  /** As expected. */
  tokens: number;
}

/** A shorter string may be text all the same, and counts little as such. */
export const SHORTEST_BLOB = 1_024;
/** How `url`, `image_url`, `data` and `file_data` end, backwards: text stands under other names. */
const NAMES = ["lru", "atad"];
const SAMPLE = 64;
const BASE64 = /^[A-Za-z0-9+/=_\\-]+"?$/;
/** `%PDF-` */
const PDF = "JVBERi0";
const QUOTE_AND_DATA_URL = 80;

const QUOTE = 0x22;
const COLON = 0x3a;

/** @param strings where each begins, at its opening quote, and ends, in turn. @returns undefined where none is a blob */
export function blobsAmong(body: Buffer, strings: readonly number[]): Blobs | undefined {
  let found: Blobs | undefined;
  for (let index = 0; index < strings.length; index += 2) {
    const [start, end] = [strings[index] as number, strings[index + 1] as number];
    if (!isNamed(body, start) || !isBase64(body, start + ((end - start) >> 1)) || !isBase64(body, end - SAMPLE)) continue;
    found ??= { bytes: 0, tokens: 0 };
    const length = end - start;
    const isDocument = body.toString("latin1", start, start + QUOTE_AND_DATA_URL).includes(PDF);
    found.bytes += length;
    found.tokens += isDocument ? Math.ceil(length / BASE64_CHARS_PER_PAGE) * TOKENS_PER_PAGE : TOKENS_PER_IMAGE;
  }
  return found;
}

/** Of what `blobsAmong` found in these messages of any dialect, at most. */
export function mostTokensOf({ bytes }: Blobs, messages: unknown): number {
  let images = 0;
  let imageBytes = 0;
  for (const part of partsOf(messages)) {
    const data = imageOf(part);
    if (typeof data !== "string" || data.length < SHORTEST_BLOB) continue;
    images++;
    imageBytes += data.length;
  }
  return images * MOST_TOKENS_PER_IMAGE + Math.ceil(Math.max(0, bytes - imageBytes) / LEAST_CHARS_PER_TOKEN);
}

type Part = { type?: unknown; content?: unknown; output?: unknown; source?: { data?: unknown } | null; image_url?: unknown } | null;

const listOf = (value: unknown): Part[] => (Array.isArray(value) ? value : []);

/** Parts of messages, and of the results of tools in them. */
const partsOf = (messages: unknown): Part[] =>
  listOf(messages).flatMap((message) =>
    [...listOf(message?.content), ...listOf(message?.output)].flatMap((part) => [part, ...listOf(part?.content)]),
  );

/** What an engine sees as a picture, however it is called where it is said. */
function imageOf(part: Part): unknown {
  if (part?.type === "image") return part.source?.data;
  if (part?.type !== "image_url" && part?.type !== "input_image") return undefined;
  const url = part.image_url;
  return typeof url === "object" && url !== null ? (url as { url?: unknown }).url : url;
}

const isBase64 = (body: Buffer, at: number) => BASE64.test(body.toString("latin1", at, at + SAMPLE));

/** The key before the string's opening quote. */
function isNamed(body: Buffer, start: number): boolean {
  let at = start - 1;
  while ((body[at] as number) <= 0x20) at--;
  if (body[at] !== COLON) return false;
  at--;
  while ((body[at] as number) <= 0x20) at--;
  return body[at] === QUOTE && NAMES.some((name) => endsWith(body, at, name));
}

/** Byte by byte: a view of a buffer costs more, and most long strings are looked at. */
function endsWith(body: Buffer, end: number, backwards: string): boolean {
  for (let index = 0; index < backwards.length; index++) if (body[end - 1 - index] !== backwards.charCodeAt(index)) return false;
  return true;
}
