/**
 * A JSON5 parser that keeps places, so that a value can be changed and every other byte of the file stays: comments, order, quotes.
 * https://spec.json5.org
 */

export type Node =
  | { kind: "object"; start: number; end: number; members: Member[] }
  | { kind: "array"; start: number; end: number; items: Node[] }
  | { kind: "scalar"; start: number; end: number; value: string | number | boolean | null };

export interface Member {
  key: string;
  /** Where the key begins. */
  start: number;
  value: Node;
}

/** The text is not JSON5; the message says what was found where, with line and column from 1. */
export class Json5Error extends Error {
  override readonly name = "Json5Error";
}

const SPACE = /[\s\ufeff]/;
const IDENTIFIER_START = /[\p{L}\p{Nl}$_]/u;
const IDENTIFIER = /[\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}$_\u200c\u200d]+/uy;
const NUMBER = /[+-]?(?:Infinity|NaN|0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "0": "\0" };
const MAX_DEPTH = 200;

/** Throws {@link Json5Error}. */
export function parseJson5(source: string): Node {
  let at = 0;

  const fail = (what: string, where = at): never => {
    const before = source.slice(0, where).split("\n");
    throw new Json5Error(`${what} at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`);
  };
  const found = () => (at >= source.length ? "end of file" : JSON.stringify(source[at]));

  const skip = () => {
    at = skipBlank(source, at);
    if (source.startsWith("/*", at)) fail("comment without an end");
  };

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const read = pattern.exec(source)?.[0];
    if (read !== undefined) at += read.length;
    return read;
  };

  const string = (): string => {
    const start = at;
    const quote = source[at++];
    let value = "";
    for (;;) {
      const char = source[at++];
      if (char === undefined || char === "\n" || char === "\r") return fail("string without an end", start);
      if (char === quote) return value;
      value += char === "\\" ? escaped() : char;
    }
  };

  const escaped = (): string => {
    const char = source[at++] ?? "";
    if (char === "\r" && source[at] === "\n") at++;
    if (char === "\n" || char === "\r" || char === "\u2028" || char === "\u2029") return "";
    if (char !== "x" && char !== "u") return ESCAPES[char] ?? char;
    const digits = source.slice(at, at + (char === "x" ? 2 : 4));
    if (!/^(?:[0-9a-fA-F]{2}){1,2}$/.test(digits)) return fail("bad escape");
    at += digits.length;
    return String.fromCharCode(Number.parseInt(digits, 16));
  };

  const key = (): string => {
    if (source[at] === '"' || source[at] === "'") return string();
    if (!IDENTIFIER_START.test(source[at] ?? "")) return fail(`expected a key, found ${found()}`);
    return match(IDENTIFIER) ?? fail(`expected a key, found ${found()}`);
  };

  const object = (depth: number): Node => {
    const start = at++;
    const members: Member[] = [];
    for (;;) {
      skip();
      if (source[at] === "}") return { kind: "object", start, end: ++at, members };
      const keyStart = at;
      const name = key();
      skip();
      if (source[at] !== ":") fail(`expected ":" after ${JSON.stringify(name)}, found ${found()}`);
      at++;
      members.push({ key: name, start: keyStart, value: value(depth) });
      separator("}");
    }
  };

  const array = (depth: number): Node => {
    const start = at++;
    const items: Node[] = [];
    for (;;) {
      skip();
      if (source[at] === "]") return { kind: "array", start, end: ++at, items };
      items.push(value(depth));
      separator("]");
    }
  };

  const separator = (closing: string) => {
    skip();
    if (source[at] === ",") at++;
    else if (source[at] !== closing) fail(`expected "," or "${closing}", found ${found()}`);
  };

  const word = (text: string): boolean => {
    if (!source.startsWith(text, at) || /[\w$]/.test(source[at + text.length] ?? "")) return false;
    at += text.length;
    return true;
  };

  const value = (depth: number): Node => {
    if (depth > MAX_DEPTH) fail(`more than ${MAX_DEPTH} levels`);
    skip();
    const start = at;
    const scalar = (read: string | number | boolean | null): Node => ({ kind: "scalar", start, end: at, value: read });
    if (source[at] === "{") return object(depth + 1);
    if (source[at] === "[") return array(depth + 1);
    if (source[at] === '"' || source[at] === "'") return scalar(string());
    if (word("true")) return scalar(true);
    if (word("false")) return scalar(false);
    if (word("null")) return scalar(null);
    const number = match(NUMBER);
    if (number === undefined) return fail(`expected a value, found ${found()}`);
    const sign = number.startsWith("-") ? -1 : 1;
    return scalar(sign * Number(number.replace(/^[+-]/, "")));
  };

  const root = value(0);
  skip();
  if (at < source.length) fail(`expected the end, found ${found()}`);
  return root;
}

/** The place of the next character from `at` that is neither space nor comment. A comment without an end stays. */
export function skipBlank(source: string, at: number): number {
  for (;;) {
    if (SPACE.test(source[at] ?? "")) at++;
    else if (source.startsWith("//", at)) {
      const end = source.slice(at).search(/[\n\r\u2028\u2029]/);
      at = end < 0 ? source.length : at + end;
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2);
      if (end < 0) return at;
      at = end + 2;
    } else return at;
  }
}

/** The plain value of a node. Of a key that stands twice, the last counts. */
export function plainValue(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "array") return node.items.map(plainValue);
  return Object.fromEntries(node.members.map((member) => [member.key, plainValue(member.value)]));
}

/** The node at a path of keys, if there. */
export function nodeAt(root: Node, path: readonly string[]): Node | undefined {
  let node: Node | undefined = root;
  for (const key of path) node = node?.kind === "object" ? node.members.findLast((member) => member.key === key)?.value : undefined;
  return node;
}
