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

/**
 * Edits TOML line by line, for machines where no `codex` is found to do it: a key is one line, a new table goes to the end. It knows
 * plain layouts only (no multi-line values under the keys it touches, no dotted keys); the caller reads the result again.
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
  const at = section === undefined ? -1 : lineOf(lines, section, key);
  if (at >= 0) lines.splice(at, 1, ...(value === undefined ? [] : [`${keyText(key)} = ${valueText(value)}`]));
  else if (value === undefined) removeTables(lines, path);
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
  for (const [index, line] of lines.entries()) {
    const path = headerPath(line);
    if (path === undefined) continue;
    const before = found.at(-1) as Section;
    before.end = index;
    while (before.end > before.start && /^\s*(#.*)?$/.test(lines[before.end - 1] as string)) before.end--;
    found.push({ path, start: index + 1, end: lines.length });
  }
  return found;
}

function headerPath(line: string): string[] | undefined {
  if (!/^\s*\[(?!\[)/.test(line)) return undefined;
  try {
    const path: string[] = [];
    for (let table = parse(line) as Record<string, unknown>; ; ) {
      const [key] = Object.keys(table);
      if (key === undefined) return path;
      path.push(key);
      table = table[key] as Record<string, unknown>;
    }
  } catch {
    // a line of an array that spans lines
    return undefined;
  }
}

function lineOf(lines: readonly string[], { start, end }: Section, key: string): number {
  const named = new RegExp(`^\\s*(?:${key}|"${key}"|'${key}')\\s*=`);
  return lines.findIndex((line, index) => index >= start && index < end && named.test(line));
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
