/**
 * Images and documents that stand in a request as base64: their bytes say little of their tokens. What is counted here is taken for
 * predictions and rules, and at most for budgets.
 */

/** Both OpenAI and Anthropic count an image by its pixels: this is a picture of about a megapixel. */
export const TOKENS_PER_IMAGE = 1_400;
/** Anthropic: 1,500 to 3,000 a page of a PDF; base64 of a page is about 100 kB. */
export const BASE64_CHARS_PER_PAGE = 100_000;
export const TOKENS_PER_PAGE = 2_000;
/** An image of full detail at the model that counts most, gpt-4o-mini. */
const MOST_TOKENS_PER_IMAGE = 50_000;
/** A document may hold as many as text of its size. */
const LEAST_CHARS_PER_TOKEN = 2;

/** Those of one field. */
export interface Blobs {
  /** That they take in the body. */
  bytes: number;
  /** As expected, and at most. */
  tokens: number;
  mostTokens: number;
}

/** A shorter string may be text all the same, and counts little as such. */
export const SHORTEST_BLOB = 1_024;
/** `url`, `image_url`, `data`, `file_data`: text stands under other names. */
const NAMES = [Buffer.from('url"'), Buffer.from('data"')];
const SAMPLE = 64;
const BASE64 = /^[A-Za-z0-9+/=_\\-]+"?$/;
/** `%PDF-` */
const PDF = "JVBERi0";
const QUOTE_AND_DATA_URL = 80;

const QUOTE = 0x22;
const COLON = 0x3a;

/** @returns what the string that stands from one offset to the other adds to `before`; `before` where it is no blob */
export function addBlob(before: Blobs | undefined, body: Buffer, start: number, end: number): Blobs | undefined {
  if (!isNamed(body, start) || !isBase64(body, start + ((end - start) >> 1)) || !isBase64(body, end - SAMPLE)) return before;
  const { bytes = 0, tokens = 0, mostTokens = 0 } = before ?? {};
  const length = end - start;
  const isDocument = body.toString("latin1", start, start + QUOTE_AND_DATA_URL).includes(PDF);
  return {
    bytes: bytes + length,
    tokens: tokens + (isDocument ? Math.ceil(length / BASE64_CHARS_PER_PAGE) * TOKENS_PER_PAGE : TOKENS_PER_IMAGE),
    mostTokens: mostTokens + (isDocument ? Math.ceil(length / LEAST_CHARS_PER_TOKEN) : MOST_TOKENS_PER_IMAGE),
  };
}

const isBase64 = (body: Buffer, at: number) => BASE64.test(body.toString("latin1", at, at + SAMPLE));

/** The key before the string's opening quote. */
function isNamed(body: Buffer, start: number): boolean {
  let at = start - 1;
  while ((body[at] as number) <= 0x20) at--;
  if (body[at] !== COLON) return false;
  at--;
  while ((body[at] as number) <= 0x20) at--;
  return body[at] === QUOTE && NAMES.some((name) => body.subarray(at + 1 - name.length, at + 1).equals(name));
}
