/** Ways to spoil JSON that leave it JSON: what edits of bytes seldom do, and what is read deepest. */

const below = (next: () => number, limit: number) => Math.floor(next() * limit);
const pick = <T>(next: () => number, list: readonly T[]): T => list[below(next, list.length)] as T;

/** Deeper than the gateway takes; as a reply it is what the translators walk. */
const DEEP = 1_500;

const VALUES: readonly unknown[] = [
  JSON.parse(`${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`),
  null,
  true,
  -1,
  0,
  0.5,
  1e9,
  1e20,
  1e308,
  "",
  "x",
  "a\0b",
  "\ud800",
  "\u001f",
  "\u2028\r\ndata: x\n\n",
  "x".repeat(3_000),
  [],
  {},
  [[[]]],
  [null],
  [{}],
  { type: "text" },
  { type: "x", id: 7 },
  { constructor: 1, toString: null },
];

type Holder = Record<string, unknown> | unknown[];

/** Every object and array in it, itself included. */
function holders(value: unknown, found: Holder[] = []): Holder[] {
  if (typeof value !== "object" || value === null) return found;
  found.push(value as Holder);
  for (const each of Object.values(value)) holders(each, found);
  return found;
}

/** One to three members are others, gone, twice there, or in each other's place. */
export function mutateJson<T extends object>(sample: T, next: () => number): T {
  const value = structuredClone(sample);
  for (let times = 1 + below(next, 3); times > 0; times--) {
    const holder = pick(next, holders(value));
    const keys = Object.keys(holder);
    const key = pick(next, keys.length > 0 ? keys : ["x"]);
    const members = holder as Record<string, unknown>;
    const way = next();
    if (way < 0.6) members[key] = structuredClone(pick(next, VALUES));
    else if (way < 0.75) Array.isArray(holder) ? holder.splice(below(next, holder.length), 1) : delete members[key];
    else if (way < 0.85 && Array.isArray(holder)) holder.push(structuredClone(members[key]));
    else {
      const other = pick(next, keys.length > 0 ? keys : ["x"]);
      [members[key], members[other]] = [members[other], members[key]];
    }
  }
  return value;
}

/** Server-sent events: one of them is spoiled, gone, twice there, or in another's place. */
export function mutateEvents(stream: string, next: () => number): string {
  const events = stream.split(/(?<=\n\n)/);
  const at = below(next, events.length);
  const event = events[at] as string;
  const way = next();
  if (way < 0.7) {
    const data = event.indexOf("data: {");
    if (data >= 0) events[at] = `${event.slice(0, data)}data: ${JSON.stringify(mutateJson(JSON.parse(event.slice(data + 6)), next))}\n\n`;
  } else if (way < 0.8) events.splice(at, 1);
  else if (way < 0.9) events.push(event);
  else {
    const other = below(next, events.length);
    [events[at], events[other]] = [events[other] as string, event];
  }
  return events.join("");
}
