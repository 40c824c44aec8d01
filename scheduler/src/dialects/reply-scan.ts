/**
 * What is recorded of a small chat completion, read from where it stands in its bytes: `JSON.parse` makes an object for each level of it.
 * Only what is plainly JSON is read here, from its first byte to its last; all else, right or wrong, is left to `JSON.parse`.
 */

import type { ReplyFacts } from "./chat-usage.ts";
import { isText, LITERAL } from "./json-scan.ts";
import { MAX_TOKEN_COUNT } from "./token-count.ts";

/** Of a larger one `JSON.parse` reads the long texts faster. */
const MAX_BYTES = 1024;
const MAX_DEPTH = 32;
/** As many as the largest count that is believed has. */
const MAX_DIGITS = String(MAX_TOKEN_COUNT).length;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_N = 0x6e;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const ESCAPED = new Set(Buffer.from('"\\/bfnrt'));
const FOUR_HEX_DIGITS = /^[0-9A-Fa-f]{4}$/;

/** Where what was read ends. */
type End = number;
/** It is no JSON, or said in a way that is not read here. */
const NOT_PLAIN = -1;

/** Reads the value that begins at `at`. */
type Read = (bytes: Buffer, at: number, depth: number) => End;
type Fields = readonly { name: string; read: Read }[];

/** What one name of the reply that is read just now says; of a name that comes twice the last counts. */
class Text {
  text: string | undefined;
  /** Of the reply before: mostly the same. */
  #last = "";

  readonly read: Read = (bytes, at) => {
    this.text = undefined;
    if (bytes[at] === LETTER_N) return skipLiteral(bytes, at);
    const end = bytes[at] === QUOTE ? endOfPlain(bytes, at + 1) : NOT_PLAIN;
    if (end === NOT_PLAIN) return NOT_PLAIN;
    if (end > at + 1) {
      if (!isText(bytes, at + 1, end, this.#last)) this.#last = bytes.toString("latin1", at + 1, end);
      this.text = this.#last;
    }
    return end + 1;
  };
}

class Count {
  count: number | undefined;

  readonly read: Read = (bytes, at) => {
    this.count = undefined;
    if (bytes[at] === LETTER_N) return skipLiteral(bytes, at);
    let value = 0;
    let end = at;
    for (; isDigit(bytes[end]); end++) value = value * 10 + (bytes[end] as number) - ZERO;
    if (end === at || end - at > MAX_DIGITS || (bytes[at] === ZERO && end > at + 1) || !endsValue(bytes[end])) return NOT_PLAIN;
    this.count = value;
    return end;
  };
}

const id = new Text();
const model = new Text();
const finishReason = new Text();
const input = new Count();
const output = new Count();
const cached = new Count();
const cacheHit = new Count();
const reasoning = new Count();

/** Null or an object, whose fields alone count from then on. */
const objectOf =
  (fields: Fields, forget: () => void): Read =>
  (bytes, at, depth) => {
    forget();
    return bytes[at] === LETTER_N ? skipLiteral(bytes, at) : readObject(bytes, at, depth, fields);
  };

function forgetCached(): void {
  cached.count = undefined;
}
function forgetReasoning(): void {
  reasoning.count = undefined;
}
function forgetUsage(): void {
  input.count = output.count = cached.count = cacheHit.count = reasoning.count = undefined;
}

const NO_FIELDS: Fields = [];
const CHOICE: Fields = [{ name: "finish_reason", read: finishReason.read }];
const USAGE: Fields = [
  { name: "prompt_tokens", read: input.read },
  { name: "completion_tokens", read: output.read },
  { name: "prompt_cache_hit_tokens", read: cacheHit.read },
  { name: "prompt_tokens_details", read: objectOf([{ name: "cached_tokens", read: cached.read }], forgetCached) },
  { name: "completion_tokens_details", read: objectOf([{ name: "reasoning_tokens", read: reasoning.read }], forgetReasoning) },
];
const REPLY: Fields = [
  { name: "id", read: id.read },
  { name: "model", read: model.read },
  { name: "usage", read: objectOf(USAGE, forgetUsage) },
  { name: "choices", read: readChoices },
];

/** As `readReply` reads the same bytes; undefined where only that can tell. */
export function scanReply(body: Buffer): ReplyFacts | undefined {
  if (body.length > MAX_BYTES) return undefined;
  forgetUsage();
  id.text = model.text = finishReason.text = undefined;
  const end = readObject(body, skipSpace(body, 0), 0, REPLY);
  if (end === NOT_PLAIN || skipSpace(body, end) !== body.length) return undefined;
  return {
    usage:
      input.count === undefined || output.count === undefined
        ? undefined
        : {
            input: input.count,
            output: output.count,
            cacheRead: cached.count ?? cacheHit.count ?? 0,
            reasoning: reasoning.count ?? 0,
          },
    finishReason: finishReason.text,
    id: id.text,
    model: model.text,
  };
}

/** Of the first alone. */
function readChoices(bytes: Buffer, from: number, depth: number): End {
  finishReason.text = undefined;
  if (bytes[from] === LETTER_N) return skipLiteral(bytes, from);
  if (bytes[from] !== OPEN_BRACKET) return NOT_PLAIN;
  const at = skipSpace(bytes, from + 1);
  if (bytes[at] === CLOSE_BRACKET) return at + 1;
  const end = readObject(bytes, at, depth + 1, CHOICE);
  return end === NOT_PLAIN ? NOT_PLAIN : restOfArray(bytes, end, depth);
}

function readObject(bytes: Buffer, from: number, depth: number, fields: Fields): End {
  if (bytes[from] !== OPEN_BRACE || depth > MAX_DEPTH) return NOT_PLAIN;
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === CLOSE_BRACE) return at + 1;
  for (;;) {
    const keyEnd = bytes[at] === QUOTE ? endOfPlain(bytes, at + 1) : NOT_PLAIN;
    if (keyEnd === NOT_PLAIN) return NOT_PLAIN;
    let read: Read = skipValue;
    for (const field of fields) if (isText(bytes, at + 1, keyEnd, field.name)) read = field.read;
    at = skipSpace(bytes, keyEnd + 1);
    if (bytes[at] !== COLON) return NOT_PLAIN;
    at = read(bytes, skipSpace(bytes, at + 1), depth + 1);
    if (at === NOT_PLAIN) return NOT_PLAIN;
    at = skipSpace(bytes, at);
    if (bytes[at] === CLOSE_BRACE) return at + 1;
    if (bytes[at] !== COMMA) return NOT_PLAIN;
    at = skipSpace(bytes, at + 1);
  }
}

/** From the end of an element on. */
function restOfArray(bytes: Buffer, from: number, depth: number): End {
  let at = from;
  for (;;) {
    at = skipSpace(bytes, at);
    if (bytes[at] === CLOSE_BRACKET) return at + 1;
    if (bytes[at] !== COMMA) return NOT_PLAIN;
    at = skipValue(bytes, skipSpace(bytes, at + 1), depth + 1);
    if (at === NOT_PLAIN) return NOT_PLAIN;
  }
}

function skipValue(bytes: Buffer, at: number, depth: number): End {
  const byte = bytes[at];
  if (byte === QUOTE) return skipString(bytes, at);
  if (byte === OPEN_BRACE) return readObject(bytes, at, depth, NO_FIELDS);
  return byte === OPEN_BRACKET ? skipArray(bytes, at, depth) : skipLiteral(bytes, at);
}

function skipArray(bytes: Buffer, from: number, depth: number): End {
  if (depth > MAX_DEPTH) return NOT_PLAIN;
  const at = skipSpace(bytes, from + 1);
  if (bytes[at] === CLOSE_BRACKET) return at + 1;
  const end = skipValue(bytes, at, depth + 1);
  return end === NOT_PLAIN ? NOT_PLAIN : restOfArray(bytes, end, depth);
}

function skipString(bytes: Buffer, from: number): End {
  for (let at = from + 1; at < bytes.length; ) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return NOT_PLAIN;
    if (byte !== BACKSLASH) at++;
    else if (ESCAPED.has(bytes[at + 1] as number)) at += 2;
    else if (bytes[at + 1] === LETTER_U && FOUR_HEX_DIGITS.test(bytes.toString("latin1", at + 2, at + 6))) at += 6;
    else return NOT_PLAIN;
  }
  return NOT_PLAIN;
}

function skipLiteral(bytes: Buffer, from: number): End {
  let at = from;
  while (isDigit(bytes[at])) at++;
  // A digit, or several without a zero before them.
  if (at > from && endsValue(bytes[at]) && (bytes[from] !== ZERO || at === from + 1)) return at;
  while (at < bytes.length && !endsValue(bytes[at])) at++;
  return LITERAL.test(bytes.toString("latin1", from, at)) ? at : NOT_PLAIN;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

/** Where a text of printable ASCII without escapes ends, at its quote. */
function endOfPlain(bytes: Buffer, from: number): End {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return NOT_PLAIN;
  }
  return NOT_PLAIN;
}

const isDigit = (byte = 0) => byte >= ZERO && byte <= NINE;
const isSpace = (byte = 0) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const endsValue = (byte = 0) => byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte);
