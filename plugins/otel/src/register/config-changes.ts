import { isDeepStrictEqual } from "node:util";
import { appendItem, getValue, removeItem, removeValue, setValue } from "./json5/edit.ts";

/** One thing written into a config, with what is needed to take it out again. */
export type Change =
  | { kind: "set"; name: string; path: string[]; value: unknown; before?: { value: unknown } }
  /** An item in a list that was there. */
  | { kind: "append"; name: string; path: string[]; value: unknown };

/** What to write, before it is known what is there. `append` makes the list where there is none. */
export interface Wanted {
  kind: "set" | "append";
  /** For the user. */
  name: string;
  path: string[];
  value: unknown;
}

export interface Applied {
  text: string;
  /** Only what was not so already. */
  changes: Change[];
  /** Objects that had to be made on the way, outermost first: they go again when they are empty. */
  created: string[][];
}

/** Writes what is wanted into the text. Throws Json5Error, or a TypeError where a path leads through what is no object. */
export function applyChanges(source: string, wanted: readonly Wanted[]): Applied {
  const applied: Applied = { text: source, changes: [], created: [] };
  for (const { kind, name, path, value } of wanted) {
    const before = getValue(applied.text, path);
    if (kind === "append" && Array.isArray(before)) {
      if (before.some((item) => isDeepStrictEqual(item, value))) continue;
      applied.text = appendItem(applied.text, path, value);
      applied.changes.push({ kind, name, path, value });
      continue;
    }
    const whole = kind === "append" ? [value] : value;
    if (isDeepStrictEqual(before, whole)) continue;
    for (let depth = 1; depth < path.length; depth++) {
      const parent = path.slice(0, depth);
      if (getValue(applied.text, parent) === undefined && !applied.created.some((one) => isDeepStrictEqual(one, parent)))
        applied.created.push(parent);
    }
    applied.text = setValue(applied.text, path, whole);
    applied.changes.push({ kind: "set", name, path, value: whole, ...(before === undefined ? {} : { before: { value: before } }) });
  }
  return applied;
}

export interface Reverted {
  text: string;
  reverted: Change[];
  /** Changes that someone has edited since; they stay. */
  kept: Change[];
}

/** Takes changes out of a text that was edited since: only values that are still what was written. Throws Json5Error. */
export function revertChanges(source: string, changes: readonly Change[], created: readonly string[][]): Reverted {
  const result: Reverted = { text: source, reverted: [], kept: [] };
  for (const change of changes.toReversed()) {
    const now = getValue(result.text, change.path);
    if (change.kind === "append") {
      const there = Array.isArray(now) && now.some((item) => isDeepStrictEqual(item, change.value));
      if (there) result.text = removeItem(result.text, change.path, change.value);
      result[there ? "reverted" : "kept"].push(change);
    } else if (isDeepStrictEqual(now, change.value)) {
      result.text =
        change.before === undefined ? removeValue(result.text, change.path) : setValue(result.text, change.path, change.before.value);
      result.reverted.push(change);
    } else result.kept.push(change);
  }
  for (const path of created.toReversed()) {
    if (isDeepStrictEqual(getValue(result.text, path), {})) result.text = removeValue(result.text, path);
  }
  return result;
}
