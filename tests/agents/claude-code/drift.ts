import type { LedgerEntry } from "../../support/provider.ts";
import { readFixtures, spansOf } from "../capture/fixture-folder.ts";
import type { Stack } from "../stack.ts";

/** Content, which is not kept among attributes, and what our own parts add or take. */
const NOT_COMPARED =
  /^(signalbox\.|resource$|scope$|user_prompt$|full_command$|prompt|response$|tool_input$|tool_parameters$|x-signalbox-|x-api-key$|authorization$|traceparent$|host$|connection$|content-length$|accept-encoding$)/;

type Names = Map<string, { any: Set<string>; always: Set<string> }>;

function note(names: Names, what: string, seen: Iterable<string>): void {
  const kept = new Set([...seen].filter((name) => !NOT_COMPARED.test(name)));
  const before = names.get(what);
  if (before === undefined) names.set(what, { any: kept, always: new Set(kept) });
  else {
    for (const name of kept) before.any.add(name);
    for (const name of before.always) if (!kept.has(name)) before.always.delete(name);
  }
}

/**
 * Names of span attributes and request headers that the CLI sent now and in no capture, or in every capture and never now; one line
 * each. Empty: the captures still speak for the CLI that runs.
 */
export async function driftOf(sql: Stack["sql"], ledger: readonly LedgerEntry[]): Promise<string[]> {
  const captured = capturedNames();
  const now: Names = new Map();
  const rows = await sql<{ name: string; names: string[] }[]>`
    select name, array(select jsonb_object_keys(attributes)) as names from signalbox.spans where name like 'claude\\_code.%'`;
  for (const { name, names } of rows) note(now, name, names);
  for (const { path, headers } of ledger) if (path === "/v1/messages") note(now, "request headers", Object.keys(headers));
  return [...now].flatMap(([what, { any }]) => {
    const known = captured.get(what);
    if (known === undefined) return [`new: ${what}`];
    const added = [...any].filter((name) => !known.any.has(name)).map((name) => `new: ${what}: ${name}`);
    const gone = [...known.always].filter((name) => !any.has(name)).map((name) => `gone: ${what}: ${name}`);
    return [...added, ...gone];
  });
}

function capturedNames(): Names {
  const names: Names = new Map();
  for (const fixture of readFixtures("claude-code")) {
    for (const span of spansOf(fixture)) note(names, span.name, Object.keys(span.attributes));
    for (const record of fixture.records) {
      if (record.kind !== "request" || !record.path.startsWith("/v1/messages")) continue;
      const headers = Object.keys(record.headers).map((name) => name.toLowerCase());
      note(names, "request headers", headers);
    }
  }
  return names;
}
