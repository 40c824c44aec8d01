import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EVENTS, HOOKS } from "@signalbox/openclaw/map";
import { readFixtureLines } from "./fixtures.ts";

interface Recorded {
  source?: string;
  name?: string;
  event?: Record<string, unknown>;
  context?: Record<string, unknown>;
}
type Names = Map<string, { any: Set<string>; always: Set<string> }>;

const HEARD = new Set<string>([...EVENTS, ...HOOKS]);

/**
 * Fields of events and hooks that the plugin hears, which OpenClaw told now and in no capture, or in every capture and never now;
 * one line each. Empty: the captures still speak for the OpenClaw that runs.
 */
export function driftOf(recordPath: string, version: string): string[] {
  const captured = namesOf(readFixtureLines(version) as Recorded[]);
  const now = namesOf(
    readFileSync(recordPath, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Recorded),
  );
  return [...now].flatMap(([what, { any }]) => {
    const known = captured.get(what);
    if (known === undefined) return [`new: ${what}`];
    const added = [...any].filter((name) => !known.any.has(name)).map((name) => `new: ${what}: ${name}`);
    const gone = [...known.always].filter((name) => !any.has(name)).map((name) => `gone: ${what}: ${name}`);
    return [...added, ...gone];
  });
}

function namesOf(records: readonly Recorded[]): Names {
  const names: Names = new Map();
  for (const { source, name, event, context } of records) {
    const what = source === "hook" ? name : String(event?.type);
    if (what === undefined || !HEARD.has(what)) continue;
    const seen = [...Object.keys(event ?? {}), ...Object.keys(context ?? {}).map((field) => `context.${field}`)];
    const before = names.get(what);
    if (before === undefined) names.set(what, { any: new Set(seen), always: new Set(seen) });
    else {
      for (const field of seen) before.any.add(field);
      for (const field of before.always) if (!seen.includes(field)) before.always.delete(field);
    }
  }
  return names;
}

export const RECORDER = join(import.meta.dirname, "recorder-plugin");
