import { isDeepStrictEqual } from "node:util";
import { type Change, type ConfigFormat, RegisterError, type Reverted, type Wanted } from "@signalbox/otel/register";
import { parse } from "smol-toml";

/** A value to set; undefined: to take out. Values are what TOML and JSON both have. */
export interface TomlEdit {
  path: readonly string[];
  value: unknown;
}

/** Puts edits into a TOML text and leaves its other bytes alone. Throws where it cannot. */
export type TomlEditor = (source: string, edits: readonly TomlEdit[]) => string | Promise<string>;

type Table = Record<string, unknown>;

/**
 * TOML for `planRegister`: `edit` writes, and what it wrote is read again. A text that does not say exactly what was wanted, and
 * all that it said before, is refused: no editor is trusted with someone's config.
 */
export function tomlFormat(edit: TomlEditor): ConfigFormat {
  const edited = async (source: string, edits: readonly TomlEdit[]): Promise<string> => {
    if (edits.length === 0) return source;
    const expected = parse(source) as Table;
    for (const { path, value } of edits) set(expected, path, value);
    const text = await edit(source, edits);
    if (!says(text, expected))
      throw new RegisterError(
        "the config is written in a way that cannot be edited safely; put the codex command on the PATH and run this again",
      );
    return text;
  };

  return {
    empty: "",
    async apply(source, wanted) {
      const before = parse(source) as Table;
      const changes = wanted.flatMap((one) => changeFor(before, one));
      const created = changes
        .flatMap(({ path }) => path.slice(0, -1).map((_, depth) => path.slice(0, depth + 1)))
        .filter((path, index, all) => get(before, path) === undefined && all.findIndex((one) => isDeepStrictEqual(one, path)) === index);
      return { text: await edited(source, changes), changes, created };
    },

    async revert(source, changes, created) {
      const now = parse(source) as Table;
      const result: Reverted = { text: source, reverted: [], kept: [] };
      const edits: TomlEdit[] = [];
      for (const change of changes.toReversed()) {
        const isOurs = change.kind === "set" && isDeepStrictEqual(plain(get(now, change.path)), change.value);
        result[isOurs ? "reverted" : "kept"].push(change);
        if (change.kind !== "set" || !isOurs) continue;
        edits.push({ path: change.path, value: change.before?.value });
        set(now, change.path, change.before?.value);
      }
      for (const path of created.toReversed()) {
        if (!isDeepStrictEqual(plain(get(now, path)), {})) continue;
        edits.push({ path, value: undefined });
        set(now, path, undefined);
      }
      return { ...result, text: await edited(source, edits) };
    },
  };
}

function says(text: string, expected: Table): boolean {
  try {
    return isDeepStrictEqual(plain(parse(text)), plain(expected));
  } catch {
    return false;
  }
}

/** The value at a path of a parsed config; undefined where there is none. Throws a TypeError where the path leads through what is no table. */
export function get(table: Table, path: readonly string[]): unknown {
  let value: unknown = table;
  for (const [depth, key] of path.entries()) {
    if (value === undefined) return undefined;
    if (!isTable(value)) throw new TypeError(`${path.slice(0, depth).join(".")} is not a table`);
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

function changeFor(before: Table, { name, path, value }: Wanted): Change[] {
  const was = plain(get(before, path));
  if (isDeepStrictEqual(was, value)) return [];
  return [{ kind: "set", name, path, value, ...(was === undefined ? {} : { before: { value: was } }) }];
}

function set(table: Table, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length > 0) {
    if (value !== undefined && table[key] === undefined) table[key] = {};
    if (isTable(table[key])) set(table[key], rest, value);
  } else if (value === undefined) delete table[key];
  else table[key] = value;
}

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** The parser's tables have no prototype, and dates and values from our record are compared as text. */
const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
