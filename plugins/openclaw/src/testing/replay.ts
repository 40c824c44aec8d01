import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SpanRecord } from "@signalbox/otel/provider";
import { parseTraceparent } from "@signalbox/otel/trace-context";
import { createMapper, HOOKS, type Mapper, type MapperOptions } from "../map.ts";
import type { Owner } from "../spans/turn.ts";

/** Replays what a real OpenClaw told its plugins: fixtures of tests/agents/record-openclaw.ts. */

const FIXTURES = join(import.meta.dirname, "../../../../tests/fixtures/openclaw");
export const VERSIONS = readdirSync(FIXTURES);

interface RecordedLine {
  source?: "register" | "diagnostic" | "hook" | "request";
  event?: Record<string, unknown>;
  name?: string;
  context?: unknown;
  origin?: string;
  headers?: string[];
  scope?: { spanId?: string };
}

export interface Replayed {
  spans: SpanRecord[];
  /** What each request to the scheduler's origin would have been marked with, in order. */
  requests: { spanId: string; identity: Owner | undefined }[];
  mapper: Mapper;
}

export function loadFixture(version: string, scenario: string): RecordedLine[] {
  const [, ...lines] = readFileSync(join(FIXTURES, version, `${scenario}.jsonl`), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as RecordedLine);
}

export function replay(lines: RecordedLine[], options: Partial<MapperOptions> & { schedulerOrigin?: string } = {}): Replayed {
  const { schedulerOrigin = "http://127.0.0.1:4320", ...rest } = options;
  const mapper = createMapper({ schedulerProviders: new Set(), content: false, ...rest });
  const spans: SpanRecord[] = [];
  const requests: Replayed["requests"] = [];
  for (const line of lines) {
    const hook = HOOKS.find((name) => name === line.name);
    if (line.source === "diagnostic") spans.push(...mapper.diagnostic(line.event));
    else if (line.source === "hook" && hook !== undefined) mapper.hook(hook, line.event, line.context);
    else if (line.source === "request" && line.origin === schedulerOrigin) {
      const headers = line.headers ?? [];
      const spanId = parseTraceparent(headers[headers.indexOf("traceparent") + 1])?.spanId ?? "";
      requests.push({ spanId, identity: mapper.requestStarted(spanId, line.scope?.spanId) });
    }
  }
  return { spans, requests, mapper };
}
