/**
 * Spoiled OTLP bodies through the decoders and all stages up to the rows. Of each body: it is read or refused as malformed, within the
 * time; where protobufjs reads it we read the same, and again from OTLP/JSON. One case needs its number and the seed, nothing else.
 */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { parseConfig } from "../../collector-processor/src/config.ts";
import { encodeBatch } from "../../collector-processor/src/exporters/encode-batch.ts";
import { decodeJsonTraces } from "../../collector-processor/src/otlp/decode-json.ts";
import { decodeJsonLogs } from "../../collector-processor/src/otlp/decode-json-logs.ts";
import { decodeProtobufTraces } from "../../collector-processor/src/otlp/decode-protobuf.ts";
import { decodeProtobufLogs } from "../../collector-processor/src/otlp/decode-protobuf-logs.ts";
import { countJsonMetrics, countProtobufMetrics } from "../../collector-processor/src/otlp/metrics.ts";
import { MalformedBody, type ResourceSpans } from "../../collector-processor/src/otlp/traces.ts";
import { Rejections } from "../../collector-processor/src/pipeline.ts";
import { attribute } from "../../collector-processor/src/processors/attribute.ts";
import { logFacts } from "../../collector-processor/src/processors/log-facts.ts";
import { normalise } from "../../collector-processor/src/processors/normalise.ts";
import { price } from "../../collector-processor/src/processors/price.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import { readFixtures } from "../agents/capture/fixture-folder.ts";
import { encode, type Item, itemsOf, requestOf } from "../integration/collector-dialects-support.ts";
import { randomSource } from "../support/random-source.ts";
import { mutate } from "./mutate.ts";
import { oracleDecode, oracleForm, otlpJson, ourLogs, ourTraces, type Signal } from "./otlp-oracle.ts";

interface Sample {
  signal: Signal;
  protobuf: Buffer;
  json: Buffer;
}

export interface Tally {
  cases: number;
  /** bodies that a decoder read, and that it refused */
  read: number;
  refused: number;
  /** bodies that protobufjs read, too, and with the same result */
  compared: number;
  slowestMs: number;
}

const DIALECTS = ["langfuse", "openclaw-diagnostics-otel-2026.9.6-content", "openinference", "openllmetry", "vercel-ai"];
const SAMPLE_ITEMS = 2;
const SLOW_MS = 2_000;

/** Small requests of what real emitters send: most mutations then hit something that is looked at. */
export function samples(): Sample[] {
  const items: Item[] = [
    ...["claude-code", "codex"].flatMap((agent) => readFixtures(agent).flatMap(itemsOf)).filter((_, index) => index % 40 === 0),
    ...DIALECTS.flatMap((name) => {
      const fixture = JSON.parse(readFileSync(new URL(`../fixtures/dialects/${name}.json`, import.meta.url), "utf8"));
      const records = [{ kind: "otlp", signal: "traces", body: fixture.body }];
      return itemsOf({ records } as unknown as Parameters<typeof itemsOf>[0]);
    }),
  ];
  return (["traces", "logs"] as const).flatMap((signal) => {
    const ofSignal = items.filter((item) => item.signal === signal);
    return Array.from({ length: Math.ceil(ofSignal.length / SAMPLE_ITEMS) }, (_, index) => {
      const request = requestOf(signal, ofSignal.slice(index * SAMPLE_ITEMS, (index + 1) * SAMPLE_ITEMS));
      return { signal, protobuf: encode(signal, request), json: Buffer.from(JSON.stringify(request)) };
    });
  });
}

const { limits, baseline, prices } = parseConfig("", "the defaults", {});
const pipeline = normalise(
  {
    defaultProject: limits.default_project,
    maxFutureDays: limits.max_future_days,
    kept: retentionLimits({ ...limits.retention, payload_days: limits.payload_days }),
    attributes: {
      count: limits.max_attributes,
      valueCharacters: limits.max_attribute_characters,
      totalCharacters: limits.max_attributes_characters,
    },
    content: {
      capture: true,
      messages: limits.max_messages,
      messageCharacters: limits.max_message_characters,
      rememberedBytes: limits.conversation_cache_bytes,
      payloadBytes: 1024,
    },
    maxEvents: limits.max_events,
    keepNoise: true,
    onNoise: () => {},
    now: Date.now,
  },
  attribute(limits.default_project, price({ baseline, prices }, { consume: async ({ spans }) => void (await encodeBatch(spans)) })),
);

/** Runs the cases `first` … `first + count - 1`. @throws on the first that fails, with its number; `beat` is told each number before it runs. */
export async function runCases(seed: number, first: number, count: number, all: Sample[], beat = (_case: number) => {}): Promise<Tally> {
  const tally: Tally = { cases: 0, read: 0, refused: 0, compared: 0, slowestMs: 0 };
  for (let number = first; number < first + count; number++) {
    beat(number);
    const started = performance.now();
    try {
      await runCase(randomSource(seed * 1_000_003 + number), all, tally);
    } catch (error) {
      throw new Error(`case ${number} of seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    const ms = performance.now() - started;
    if (ms > SLOW_MS) throw new Error(`case ${number} of seed ${seed} took ${Math.round(ms)} ms`);
    tally.slowestMs = Math.max(tally.slowestMs, ms);
    tally.cases++;
  }
  return tally;
}

async function runCase(next: () => number, all: Sample[], tally: Tally): Promise<void> {
  const pick = () => all[Math.floor(next() * all.length)] as Sample;
  const sample = pick();
  const isJson = next() < 0.4;
  const kind = isJson ? "json" : "protobuf";
  const body = mutate(kind, sample[kind], pick()[kind], next);
  const decoded = readOrRefused(() => decode(sample.signal, isJson, body));
  readOrRefused(() => (isJson ? countJsonMetrics(body) : countProtobufMetrics(body)));
  if (decoded === null) tally.refused++;
  else {
    tally.read++;
    await pipeline.consume({ resources: decoded.spans, project: null, rejections: new Rejections() });
  }
  if (isJson) return;
  const theirs = oracleDecode(sample.signal, body);
  if (theirs === null) return;
  const expected = oracleForm(sample.signal, theirs);
  if (decoded === null) throw new Error(`protobufjs reads what we refuse: ${body.toString("hex")}`);
  if (!isDeepStrictEqual(decoded.form, expected))
    throw new Error(`protobufjs reads ${JSON.stringify(expected)}, we ${JSON.stringify(decoded.form)}: ${body.toString("hex")}`);
  const fromJson = decode(sample.signal, true, otlpJson(theirs));
  if (!isDeepStrictEqual(fromJson.form, expected))
    throw new Error(
      `protobufjs reads ${JSON.stringify(expected)}, the JSON decoder ${JSON.stringify(fromJson.form)}: ${body.toString("hex")}`,
    );
  tally.compared++;
}

interface Decoded {
  form: unknown;
  spans: ResourceSpans[];
}

function decode(signal: Signal, isJson: boolean, body: Buffer): Decoded {
  if (signal === "traces") {
    const spans = isJson ? decodeJsonTraces(body) : decodeProtobufTraces(body);
    return { form: ourTraces(spans), spans };
  }
  const logs = isJson ? decodeJsonLogs(body) : decodeProtobufLogs(body);
  return { form: ourLogs(logs), spans: logFacts(logs, new Rejections()).resources };
}

function readOrRefused<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedBody) return null;
    throw error;
  }
}
