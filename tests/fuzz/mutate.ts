import { mutateField } from "./protobuf-fields.ts";

/** Ways to spoil a body. Each takes the seed's random numbers and returns other bytes; none changes what it was given. */
type Next = () => number;

const INTERESTING = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x0b, 0x0c];
const TOKENS = [
  "null",
  "true",
  "-1",
  "1e400",
  "9223372036854775808",
  '""',
  "[]",
  "{}",
  '"__proto__":',
  '"\\ud800"',
  "[[[[",
  "0x1",
  "\u0000",
];
const MAX_BYTES = 64 * 1024;

const below = (next: Next, limit: number) => Math.floor(next() * limit);
const pick = <T>(next: Next, list: readonly T[]): T => list[below(next, list.length)] as T;

/** Puts `piece` in the place of the bytes from `start` to `end`. */
const replaced = (body: Buffer, start: number, end: number, piece: Uint8Array) =>
  Buffer.concat([body.subarray(0, start), piece, body.subarray(end)]);

function slice(body: Buffer, next: Next): [start: number, end: number] {
  const start = below(next, body.length + 1);
  return [start, Math.min(body.length, start + below(next, 24))];
}

type Mutation = (body: Buffer, next: Next, other: Buffer) => Buffer;

const onBytes: Mutation[] = [
  (body, next) => {
    const copy = Buffer.from(body);
    if (copy.length > 0) copy[below(next, copy.length)] = below(next, 256);
    return copy;
  },
  (body, next) => {
    const copy = Buffer.from(body);
    const at = below(next, copy.length);
    if (copy.length > 0) copy[at] = (copy[at] as number) ^ (1 << below(next, 8));
    return copy;
  },
  (body, next) => {
    const copy = Buffer.from(body);
    if (copy.length > 0) copy[below(next, copy.length)] = pick(next, INTERESTING);
    return copy;
  },
  (body, next) => replaced(body, ...slice(body, next), new Uint8Array()),
  (body, next) => {
    const [start, end] = slice(body, next);
    return replaced(body, end, end, body.subarray(start, end));
  },
  (body, next) => body.subarray(0, below(next, body.length + 1)),
  (body, next) => {
    const at = below(next, body.length + 1);
    return replaced(
      body,
      at,
      at,
      Uint8Array.from({ length: 1 + below(next, 12) }, () => below(next, 256)),
    );
  },
  (body, next, other) => replaced(body, ...slice(body, next), other.subarray(...slice(other, next))),
];

/** Whole messages around, behind and inside of each other: what byte edits seldom make of valid protobuf. */
const onProtobuf: Mutation[] = [
  (body, next, other) => mutateField(body, next, other),
  (body, next, other) => mutateField(body, next, other),
  (body, next, other) => mutateField(body, next, other),
  (body, next, other) => mutateField(body, next, other),
  (body, _next, other) => Buffer.concat([body, other]),
  (body, next) => Buffer.concat(Array.from({ length: 2 + below(next, 3) }, () => body)),
  (body, next) => {
    let wrapped = body;
    for (let depth = below(next, 60); depth > 0 && wrapped.length < MAX_BYTES; depth--)
      wrapped = field(pick(next, [1, 2, 5, 6, 9]), wrapped);
    return wrapped;
  },
  (body, next) => {
    const at = below(next, body.length + 1);
    return replaced(body, at, at, field(1 + below(next, 20), body.subarray(...slice(body, next))));
  },
];

const onJson: Mutation[] = [
  (body, next) => replaced(body, ...slice(body, next), Buffer.from(pick(next, TOKENS))),
  (body, next) => {
    const text = body.toString();
    const values = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|[\d.eE+-]+|true|false|null)/g)];
    const found = values[below(next, values.length)];
    return found === undefined
      ? body
      : Buffer.from(text.slice(0, found.index + 1) + pick(next, TOKENS) + text.slice(found.index + found[0].length));
  },
  (body, next) => {
    const depth = below(next, 3_000);
    return Buffer.from(
      body.toString().replace(/\{"stringValue":"[^"]*"\}/, ['{"arrayValue":{"values":['.repeat(depth), "{}", "]}}".repeat(depth)].join("")),
    );
  },
];

function field(number: number, body: Uint8Array): Buffer {
  const head = [(number << 3) | 2];
  for (let rest = body.length; ; rest >>>= 7) {
    if (rest < 128) return Buffer.concat([Uint8Array.from([...head, rest]), body]);
    head.push((rest & 127) | 128);
  }
}

/** One to four mutations of `body`, which is of the kind; `other` is a body to take pieces from. */
export function mutate(kind: "protobuf" | "json", body: Buffer, other: Buffer, next: Next): Buffer {
  const own = kind === "protobuf" ? onProtobuf : onJson;
  // bytes changed anywhere mostly end the reading there: most bodies get none of it, so that what lies deeper is reached
  const shareOfBytes = next() < 0.6 ? 0 : 0.7;
  let mutated = body;
  for (let times = 1 + below(next, 4); times > 0; times--) {
    mutated = pick(next, next() < shareOfBytes ? onBytes : own)(mutated, next, other).subarray(0, MAX_BYTES);
  }
  return mutated;
}
