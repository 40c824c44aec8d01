import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Fixture, type OtlpRecord, parseFixture, type Signal } from "./fixture-format.ts";

export interface FixtureFile extends Fixture {
  /** `<version>/<scenario>.jsonl` */
  file: string;
  text: string;
}

/** Every fixture of an agent, of every version. Throws where one does not parse. */
export function readFixtures(agent: string): FixtureFile[] {
  const root = join(import.meta.dirname, "..", "..", "fixtures", agent);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".jsonl"))
    .sort()
    .map((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return { file: file.replaceAll("\\", "/"), text, ...parseFixture(text, file) };
    });
}

export interface CapturedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  attributes: Record<string, unknown>;
}

interface Attribute {
  key: string;
  value?: Record<string, unknown>;
}
interface Traces {
  resourceSpans?: {
    scopeSpans?: { spans?: { traceId: string; spanId: string; parentSpanId?: string; name: string; attributes?: Attribute[] }[] }[];
  }[];
}

interface Logs {
  resourceLogs?: { scopeLogs?: { logRecords?: { attributes?: Attribute[] }[] }[] }[];
}

const attributesOf = (attributes: Attribute[] = []): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));

/** The spans of a fixture, flat; of an attribute key that stands twice the last value. */
export const spansOf = (fixture: Fixture): CapturedSpan[] =>
  exportsOf(fixture, "traces")
    .flatMap((record) => (record.body as Traces).resourceSpans ?? [])
    .flatMap((group) => group.scopeSpans ?? [])
    .flatMap((scope) => scope.spans ?? [])
    .map(({ attributes, parentSpanId = "", ...span }) => ({ ...span, parentSpanId, attributes: attributesOf(attributes) }));

/** The attributes of a fixture's log records, flat. */
export const logsOf = (fixture: Fixture): { attributes: Record<string, unknown> }[] =>
  exportsOf(fixture, "logs")
    .flatMap((record) => (record.body as Logs).resourceLogs ?? [])
    .flatMap((group) => group.scopeLogs ?? [])
    .flatMap((scope) => scope.logRecords ?? [])
    .map(({ attributes }) => ({ attributes: attributesOf(attributes) }));

export const exportsOf = (fixture: Fixture, signal: Signal): OtlpRecord[] =>
  fixture.records.filter((record): record is OtlpRecord => record.kind === "otlp" && record.signal === signal);

/** Sum of one number of what the provider served to its end, by its own ledger. */
export function servedTokens(fixture: Fixture, field: string): number {
  let sum = 0;
  for (const record of fixture.records) {
    if (record.kind === "response" && record.ended === "complete") sum += Number(record.served?.usage[field] ?? 0);
  }
  return sum;
}
