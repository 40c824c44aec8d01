import { parse } from "smol-toml";
import type { TomlEdit } from "./toml-format.ts";

/** Lines of one table: its header's line, where it has one, then its keys. */
interface Section {
  path: string[];
  /** Index of the first line after the header. */
  start: number;
  /** Index after the last line. */
  end: number;
}

/** A header, or a key with its value, as many lines as it has; or a line without either. */
interface Statement {
  start: number;
  end: number;
}

/**
 * Edits TOML statement by statement, for machines where no `codex` is found to do it: a new table goes to the end. It knows plain layouts
 * only (no dotted keys, no keys in inline tables); the caller reads the result again.
 */
export function editToml(source: string, edits: readonly TomlEdit[]): string {
  const mark = source.startsWith("\ufeff") ? "\ufeff" : "";
  const eol = source.includes("\r\n") ? "\r\n" : "\n";
  const text = source.slice(mark.length);
  const lines = text === "" ? [] : text.split(eol);
  // what follows the last line's end
  const tail = lines.at(-1) === "" ? lines.pop() : undefined;
  for (const edit of edits) apply(lines, edit);
  return mark + lines.join(eol) + (tail === undefined && text !== "" ? "" : eol);
}

function apply(lines: string[], { path, value }: TomlEdit): void {
  const table = path.slice(0, -1);
  const key = path.at(-1) as string;
  const section = sections(lines).find((one) => same(one.path, table));
  const at = section && statementOf(lines, section, key);
  if (at) {
    const old = lines.slice(at.start, at.end);
    lines.splice(at.start, old.length, ...(value === undefined ? [] : rewritten(old, key, value)));
  } else if (value === undefined) removeTables(lines, path);
  else if (isTable(value)) {
    removeTables(lines, path);
    addTable(lines, path, value);
  } else if (section !== undefined) lines.splice(lastFilled(lines, section), 0, `${keyText(key)} = ${valueText(value)}`);
  else addTable(lines, table, { [key]: value });
}

/** A table of tables stays readable when only its leaves are inline. */
function addTable(lines: string[], path: readonly string[], table: Record<string, unknown>): void {
  if (lines.length > 0 && lines.at(-1)?.trim() !== "") lines.push("");
  lines.push(`[${path.map(keyText).join(".")}]`, ...Object.entries(table).map(([key, value]) => `${keyText(key)} = ${valueText(value)}`));
}

/** The table at the path and all below it, with the empty line before it. */
function removeTables(lines: string[], path: readonly string[]): void {
  for (const { path: found, start, end } of sections(lines).toReversed()) {
    if (start === 0 || !same(found.slice(0, path.length), path)) continue;
    const from = start >= 2 && lines[start - 2]?.trim() === "" ? start - 2 : start - 1;
    lines.splice(from, end - from);
  }
}

/** Of the whole text, in order; the keys before any header are those of the root. Comments before a header belong to it. */
function sections(lines: readonly string[]): Section[] {
  const found: Section[] = [{ path: [], start: 0, end: lines.length }];
  for (const { start, end } of statements(lines)) {
    const path = end - start === 1 ? headerPath(lines[start] as string) : undefined;
    if (path === undefined) continue;
    const before = found.at(-1) as Section;
    before.end = start;
    while (before.end > before.start && /^\s*(#.*)?$/.test(lines[before.end - 1] as string)) before.end--;
    found.push({ path, start: end, end: lines.length });
  }
  return found;
}

/** The fewest lines that say something by themselves: in TOML a key's value ends with its line, unless it is a list or text of several. */
function statements(lines: readonly string[]): Statement[] {
  const found: Statement[] = [];
  for (let start = 0; start < lines.length; ) {
    let end = start + 1;
    while (end < lines.length && tryParse(lines.slice(start, end).join("\n")) === undefined) end++;
    found.push({ start, end });
    start = end;
  }
  return found;
}

function headerPath(line: string): string[] | undefined {
  if (!/^\s*\[(?!\[)/.test(line)) return undefined;
  const path: string[] = [];
  for (let table = tryParse(line); table !== undefined; ) {
    const [key] = Object.keys(table);
    if (key === undefined) return path;
    path.push(key);
    table = table[key] as Record<string, unknown>;
  }
  return undefined;
}

function statementOf(lines: readonly string[], section: Section, key: string): Statement | undefined {
  const named = new RegExp(`^\\s*(?:${key}|"${key}"|'${key}')\\s*=`);
  return statements(lines).find(({ start, end }) => start >= section.start && end <= section.end && named.test(lines[start] as string));
}

/** The statement with another value, and with the comment behind it; a list of a line for each item keeps that form. */
function rewritten(old: readonly string[], key: string, value: unknown): string[] {
  const list = Array.isArray(value) ? rewrittenList(old, value) : undefined;
  if (list !== undefined) return list;
  const [line = ""] = old;
  const comment = old.length === 1 ? line.slice(endOf(line, (text) => tryParse(text) !== undefined)) : "";
  return [`${keyText(key)} = ${valueText(value)}${comment}`];
}

/** Undefined where it is not written so. Lines of items that the new one does not have go, with their comments. */
function rewrittenList(old: readonly string[], value: readonly unknown[]): string[] | undefined {
  const [first = "", last = ""] = [old[0], old.at(-1)];
  if (old.length < 3 || !/\[\s*(#.*)?$/.test(first) || !/^\s*\]/.test(last)) return undefined;
  const items = (text: string) => tryParse(`list = [${text}\n]`)?.list as unknown[] | undefined;
  const inner = old.slice(1, -1).map((line) => ({ line, has: items(line) }));
  if (inner.some(({ has }) => has === undefined || has.length > 1)) return undefined;
  const kept = inner.filter(({ has }) => has?.every((item) => value.includes(item)));
  const present = kept.flatMap(({ has }) => has ?? []);
  const indent = /^\s*/.exec(inner.find(({ has }) => has?.length === 1)?.line ?? "  ")?.[0] ?? "";
  const withComma = ({ line, has }: (typeof inner)[number]) => {
    if (has?.length === 0 || items(`${line}\n0`) !== undefined) return line;
    const end = endOf(line, (text) => items(text)?.length === 1);
    return `${line.slice(0, end)},${line.slice(end)}`;
  };
  const added = value.filter((item) => !present.includes(item)).map((item) => `${indent}${valueText(item)},`);
  return [first, ...kept.map(withComma), ...added, last];
}

/** Where the comment behind what is said begins, with the spaces before it: a # may stand in a text, too. */
function endOf(line: string, says: (text: string) => boolean): number {
  for (let hash = line.indexOf("#"); hash >= 0; hash = line.indexOf("#", hash + 1)) {
    const said = line.slice(0, hash).trimEnd();
    if (says(said)) return said.length;
  }
  return line.length;
}

function tryParse(text: string): Record<string, unknown> | undefined {
  try {
    return parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** After the last line of a section that is not empty. */
function lastFilled(lines: readonly string[], { start, end }: Section): number {
  let at = end;
  while (at > start && lines[at - 1]?.trim() === "") at--;
  return at;
}

const isTable = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const same = (one: readonly string[], other: readonly string[]) => one.length === other.length && one.every((key, i) => key === other[i]);
const keyText = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key));

/** A JSON string is a TOML basic string. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (!isTable(value)) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${keyText(key)} = ${valueText(inner)}`)
    .join(", ")} }`;
}
