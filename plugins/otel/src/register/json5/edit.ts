import { type Node, nodeAt, parseJson5, plainValue, skipBlank } from "./parse.ts";

/**
 * Changes single values in JSON5 text and leaves every other byte as it is. All functions take and return the whole text, and
 * throw Json5Error where it does not parse.
 */

type Container = Extract<Node, { kind: "object" | "array" }>;

/** The value at a path; undefined where there is none. */
export function getValue(source: string, path: readonly string[]): unknown {
  const node = nodeAt(parseJson5(source), path);
  return node === undefined ? undefined : plainValue(node);
}

/**
 * Sets a value, making the objects on the way. Throws a TypeError, naming the path, where something on the way is no object.
 */
export function setValue(source: string, path: readonly string[], value: unknown): string {
  const root = parseJson5(source);
  const existing = nodeAt(root, path);
  if (existing !== undefined) return splice(source, existing.start, existing.end, print(source, value, indentAt(source, existing.start)));
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const parent = nodeAt(root, path.slice(0, depth));
    if (parent === undefined) continue;
    if (parent.kind !== "object") throw new TypeError(`${path.slice(0, depth).join(".") || "the file"} is not an object`);
    const missing = path.slice(depth + 1).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
    return insert(source, parent, (indent) => `${JSON.stringify(path[depth])}: ${print(source, missing, indent)}`);
  }
  throw new TypeError("an empty path");
}

/** Adds an item to the end of an array, which must be there. */
export function appendItem(source: string, path: readonly string[], item: unknown): string {
  const node = nodeAt(parseJson5(source), path);
  if (node?.kind !== "array") throw new TypeError(`${path.join(".")} is not a list`);
  return insert(source, node, (indent) => print(source, item, indent));
}

/** Removes a key, or nothing where it is not there. */
export function removeValue(source: string, path: readonly string[]): string {
  const parent = nodeAt(parseJson5(source), path.slice(0, -1));
  if (parent?.kind !== "object") return source;
  const index = parent.members.findLastIndex((member) => member.key === path.at(-1));
  return index < 0 ? source : removeEntry(source, parent, index);
}

/** Removes the last item that equals `item` from an array, or nothing. */
export function removeItem(source: string, path: readonly string[], item: unknown): string {
  const node = nodeAt(parseJson5(source), path);
  if (node?.kind !== "array") return source;
  const index = node.items.findLastIndex((one) => JSON.stringify(plainValue(one)) === JSON.stringify(item));
  return index < 0 ? source : removeEntry(source, node, index);
}

const splice = (source: string, start: number, end: number, text: string) => source.slice(0, start) + text + source.slice(end);

const entries = (container: Container): { start: number; end: number }[] =>
  container.kind === "array" ? container.items : container.members.map((member) => ({ start: member.start, end: member.value.end }));

const newline = (source: string) => (source.includes("\r\n") ? "\r\n" : "\n");

/** The white space that the line of a place begins with. */
function indentAt(source: string, at: number): string {
  const lineStart = source.lastIndexOf("\n", at - 1) + 1;
  return /^[ \t]*/.exec(source.slice(lineStart, at))?.[0] ?? "";
}

/** One level: that of the file's first indented line. */
const indentUnit = (source: string) => /\n([ \t]+)\S/.exec(source)?.[1] ?? "  ";

const print = (source: string, value: unknown, indent: string) =>
  JSON.stringify(value, null, indentUnit(source)).replaceAll("\n", newline(source) + indent);

function insert(source: string, container: Container, render: (indent: string) => string): string {
  const closing = container.end - 1;
  const outer = indentAt(source, container.start);
  const inner = outer + indentUnit(source);
  const last = entries(container).at(-1);
  const oneLine = last !== undefined && !source.slice(container.start, container.end).includes("\n");
  // After all that stands before the closing bracket, comments included; the comma right after the last value.
  const content = source.slice(container.start + 1, closing).trimEnd();
  const end = container.start + 1 + content.length;
  const separator = oneLine ? " " : newline(source) + inner;
  const comma = last !== undefined && source[skipBlank(source, last.end)] !== "," ? "," : "";
  const text = separator + render(oneLine ? outer : inner);
  const tail = last === undefined && !source.slice(end, closing).includes("\n") ? newline(source) + outer : source.slice(end, closing);
  const head = last === undefined ? source.slice(0, end) : source.slice(0, last.end) + comma + source.slice(last.end, end);
  return head + text + tail + source.slice(closing);
}

function removeEntry(source: string, container: Container, index: number): string {
  const all = entries(container);
  const entry = all[index];
  if (entry === undefined) return source;
  const after = skipBlank(source, entry.end);
  const hasComma = source[after] === ",";
  let end = hasComma ? after + 1 : entry.end;
  let start = entry.start;
  // The whole line, where nothing else stands on it.
  const lineStart = source.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = /^[ \t]*(?:\r?\n|$)/.exec(source.slice(end));
  if (lineStart > container.start && source.slice(lineStart, start).trim() === "" && lineEnd !== null) {
    start = lineStart;
    end += lineEnd[0].length;
  } else if (lineEnd === null) {
    end += /^[ \t]*/.exec(source.slice(end))?.[0].length ?? 0;
  }
  const previous = all[index - 1];
  if (hasComma || previous === undefined) return splice(source, start, end, "");
  // It was the last and had no comma: neither has the one before it now.
  const comma = skipBlank(source, previous.end);
  if (source.slice(comma + 1, start).trim() === "" && start === entry.start) return splice(source, comma, end, "");
  return splice(splice(source, start, end, ""), comma, comma + 1, "");
}
