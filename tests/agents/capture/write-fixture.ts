import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FixtureHeader, FixtureRecord } from "./fixture-format.ts";
import { createRedactor, type RedactOptions } from "./redact.ts";

/** A fixture above this is no longer a thing people read in a review. */
export const MAX_FIXTURE_BYTES = 300_000;

/** Writes `tests/fixtures/<agent>/<version>/<scenario>.jsonl`, redacted. Throws where it is over `MAX_FIXTURE_BYTES`. */
export function writeFixture(header: FixtureHeader, records: FixtureRecord[], options: RedactOptions): { file: string; bytes: number } {
  const redactor = createRedactor(options);
  for (const record of records) redactor.learn(record);
  const ordered = [...records].sort((one, other) => one.t_ms - other.t_ms);
  const text = `${[header, ...withToolsOnce(ordered).map((record) => redactor.redact(record))].map((line) => JSON.stringify(line)).join("\n")}\n`;
  const dir = join(import.meta.dirname, "..", "..", "fixtures", header.agent, header.version);
  const file = join(dir, `${header.scenario}.jsonl`);
  if (text.length > MAX_FIXTURE_BYTES && process.env.SIGNALBOX_CAPTURE_ANY_SIZE === undefined) {
    throw new Error(`${file} would have ${text.length} bytes, more than ${MAX_FIXTURE_BYTES}: shorten the scenario or what is kept of it`);
  }
  mkdirSync(dir, { recursive: true });
  writeFileSync(file, text);
  return { file, bytes: text.length };
}

/** Tools that an earlier request already listed are replaced by its number: `[as in request 2]`. */
function withToolsOnce(records: FixtureRecord[]): FixtureRecord[] {
  const first = new Map<string, number>();
  return records.map((record) => {
    if (record.kind !== "request" || record.body === null || typeof record.body !== "object" || !("tools" in record.body)) return record;
    const tools = JSON.stringify(record.body.tools);
    const seen = first.get(tools);
    if (seen === undefined) {
      first.set(tools, record.n);
      return record;
    }
    return { ...record, body: { ...record.body, tools: `[as in request ${seen}]` } };
  });
}
