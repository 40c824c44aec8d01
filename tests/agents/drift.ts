import type { LedgerEntry } from "../support/provider.ts";
import { type FixtureFile, logsOf, spansOf } from "./capture/fixture-folder.ts";
import type { Stack } from "./stack.ts";

/** By what was sent (a span, a log record, a request): names that it had at least once, and names that it always had. */
export type Names = Map<string, { any: Set<string>; always: Set<string> }>;

/** What our own parts add or take, and what no two connections share. */
const NOT_COMPARED =
  /^(signalbox\.|resource$|scope$|x-signalbox-|x-api-key$|authorization$|traceparent$|host$|connection$|content-length$|accept-encoding$)/;

export function note(names: Names, what: string, seen: Iterable<string>, isContent: (name: string) => boolean): void {
  const kept = new Set([...seen].filter((name) => !NOT_COMPARED.test(name) && !isContent(name)));
  const before = names.get(what);
  if (before === undefined) names.set(what, { any: kept, always: new Set(kept) });
  else {
    for (const name of kept) before.any.add(name);
    for (const name of before.always) if (!kept.has(name)) before.always.delete(name);
  }
}

/**
 * What the CLI sent now and in no capture, or in every capture and never now; one line each. Empty: the captures still speak for the
 * CLI that runs.
 */
export const differences = (captured: Names, now: Names): string[] =>
  [...now].flatMap(([what, { any }]) => {
    const known = captured.get(what);
    if (known === undefined) return [`new: ${what}`];
    const added = [...any].filter((name) => !known.any.has(name)).map((name) => `new: ${what}: ${name}`);
    const gone = [...known.always].filter((name) => !any.has(name)).map((name) => `gone: ${what}: ${name}`);
    return [...added, ...gone];
  });

/** An agent's part in the comparison. */
export interface Drifting {
  fixtures: readonly FixtureFile[];
  /** The rows that its own telemetry made. */
  rows(sql: Stack["sql"]): Promise<{ name: string; names: string[] }[]>;
  /** Its calls, as captured and in the ledger. */
  isCall(path: string): boolean;
  /** Attributes that are content, and not kept among attributes. */
  isContent(name: string): boolean;
}

/** Names of span attributes, log attributes and request headers, compared with the captures. */
export async function driftOf(agent: Drifting, sql: Stack["sql"], ledger: readonly LedgerEntry[]): Promise<string[]> {
  const { isContent, isCall } = agent;
  const captured: Names = new Map();
  for (const fixture of agent.fixtures) {
    for (const span of spansOf(fixture)) note(captured, span.name, Object.keys(span.attributes), isContent);
    for (const { attributes } of logsOf(fixture)) note(captured, String(attributes["event.name"]), Object.keys(attributes), isContent);
    for (const record of fixture.records) {
      if (record.kind !== "request" || !isCall(record.path)) continue;
      const headers = Object.keys(record.headers).map((name) => name.toLowerCase());
      note(captured, "request headers", headers, isContent);
    }
  }
  const now: Names = new Map();
  for (const { name, names } of await agent.rows(sql)) note(now, name, names, isContent);
  for (const { path, headers } of ledger) if (isCall(path)) note(now, "request headers", Object.keys(headers), isContent);
  return differences(captured, now);
}

/** As text for the results. */
export const driftText = (drift: string[] | undefined, agent: string): string => {
  const captures = `Drift against the captures in \`tests/fixtures/${agent}\``;
  if (drift === undefined) return `${captures}: not looked at.`;
  if (drift.length === 0) return `${captures}: none (names of attributes and request headers).`;
  return `${captures}:\n\n${drift.map((line) => `- ${line}`).join("\n")}`;
};
