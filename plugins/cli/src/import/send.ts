import { setTimeout as sleep } from "node:timers/promises";
import { SetupError } from "@signalbox/local";
import { Attribute, IMPORT_SERVICE } from "@signalbox/otel/conventions";
import type { SpanRecord } from "@signalbox/otel/provider";

/** Spans on their way to the collector, in requests of a bounded size, one after the other. */
export interface SpanSender {
  add(span: SpanRecord): Promise<void>;
  /** Sends what is left. */
  end(): Promise<void>;
}

const MAX_SPANS = 1_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;
const TIMEOUT_MS = 60_000;
const MAX_TRIES = 30;
const MAX_WAIT_MS = 10_000;

/** @throws SetupError where the collector refuses, or stays away for minutes */
export function spanSender(otlpEndpoint: string, key: string | undefined): SpanSender {
  const url = new URL("/v1/traces", otlpEndpoint);
  const headers = { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  let waiting: string[] = [];
  let characters = 0;

  async function send(): Promise<void> {
    if (waiting.length === 0) return;
    const body = `{"resourceSpans":[{"resource":${RESOURCE},"scopeSpans":[{"scope":{"name":"signalbox"},"spans":[${waiting.join(",")}]}]}]}`;
    waiting = [];
    characters = 0;
    for (let tries = 1; ; tries++) {
      const answer = await post(body);
      if (answer === undefined) return;
      if (!answer.retry || tries === MAX_TRIES) throw new SetupError("import", `The collector at ${otlpEndpoint} ${answer.reason}.`);
      await sleep(Math.min(answer.afterMs ?? 250 * 2 ** tries, MAX_WAIT_MS));
    }
  }

  /** @returns undefined where it was taken */
  async function post(body: string): Promise<{ reason: string; retry: boolean; afterMs?: number } | undefined> {
    let response: Response;
    try {
      response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      return { reason: `does not answer: ${(error as Error).message}`, retry: true };
    }
    const said = await response.text();
    if (response.ok) {
      const rejected = /"rejectedSpans":"?([1-9]\d*)/.exec(said)?.[1];
      return rejected === undefined ? undefined : { reason: `refused ${rejected} spans: ${said.slice(0, 300)}`, retry: false };
    }
    const retry = response.status === 429 || response.status >= 502;
    const seconds = Number(response.headers.get("retry-after"));
    return { reason: `answered ${response.status}: ${said.slice(0, 300)}`, retry, ...(seconds > 0 && { afterMs: seconds * 1000 }) };
  }

  return {
    async add(span) {
      const json = JSON.stringify(otlpSpan(span));
      waiting.push(json);
      characters += json.length;
      if (waiting.length >= MAX_SPANS || characters >= MAX_CHARACTERS) await send();
    },
    end: send,
  };
}

const RESOURCE = JSON.stringify({ attributes: attributesOf({ [Attribute.serviceName]: IMPORT_SERVICE }) });
const ERROR = 2;

/** As OTLP/JSON has it; kinds there count from 1. */
function otlpSpan({ traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, error }: SpanRecord) {
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: kind + 1,
    startTimeUnixNano: nanosOf(startMs),
    endTimeUnixNano: nanosOf(Math.max(startMs, endMs)),
    attributes: attributesOf(attributes),
    ...(error !== undefined && { status: { code: ERROR, message: error.message } }),
  };
}

const nanosOf = (ms: number) => `${BigInt(Math.round(ms * 1000)) * 1000n}`;

function attributesOf(attributes: SpanRecord["attributes"]): { key: string; value: object }[] {
  return Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: anyValue(value) }]));
}

function anyValue(value: string | number | boolean | string[]): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map((element) => ({ stringValue: element })) } };
}
