/**
 * Question: where does the collector's own CPU time for a span go? Spans pass through the stages one by one, so a stage's time is that of
 * the line up to it, less that of the line before it. It is the process' time, its garbage collector's threads included, so a busy
 * machine changes little. Sending the rows to Postgres, and the sockets, are not in it: `ingest.ts` has the whole.
 *
 * Command: npm exec -- node tests/bench/ingest-stages.ts [spans a request, default 5000] [content, a number of `Content`, default 0: none] [rounds, default 30]
 */
import { parseConfig } from "../../collector-processor/src/config.ts";
import { encodeBatch } from "../../collector-processor/src/exporters/encode-batch.ts";
import { decodeProtobufPieces } from "../../collector-processor/src/otlp/decode-protobuf.ts";
import { Rejections } from "../../collector-processor/src/pipeline.ts";
import { attribute } from "../../collector-processor/src/processors/attribute.ts";
import { normalise } from "../../collector-processor/src/processors/normalise.ts";
import { price } from "../../collector-processor/src/processors/price.ts";
import { retentionLimits } from "../../collector-processor/src/retention/limits.ts";
import type { SpanBatch } from "../../collector-processor/src/span-batch.ts";
import { encodeRecord } from "../../collector-processor/src/wal/record.ts";
import { agentBatch } from "./ingest-load.ts";

const [requestSpans = 5_000, content = 0, rounds = 30] = process.argv.slice(2).map(Number);
const REQUESTS = 4;
const { limits, baseline, prices } = parseConfig("", "the defaults", {});

let consume: (batch: SpanBatch) => unknown = () => {};
const last = { consume: async (batch: SpanBatch) => void (await consume(batch)) };
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
      capture: limits.content,
      messages: limits.max_messages,
      messageCharacters: limits.max_message_characters,
      rememberedBytes: limits.conversation_cache_bytes,
      payloadBytes: 1024,
    },
    maxEvents: limits.max_events,
    keepNoise: limits.keep_noise_spans,
    onNoise: () => {},
    now: Date.now,
  },
  attribute(limits.default_project, price({ baseline, prices }, last)),
);

const bodies = Array.from({ length: REQUESTS }, (_, index) => agentBatch(requestSpans, index, content).protobuf);

function drain(items: Iterable<unknown>): void {
  for (const _ of items);
}
function through(body: Buffer, take: (batch: SpanBatch) => unknown): Promise<void> {
  consume = take;
  return pipeline.consume({ resources: decodeProtobufPieces(body), project: null, rejections: new Rejections() });
}
/** Each goes as far as its name says. */
const lines: [name: string, run: (body: Buffer) => unknown][] = [
  ["decode", (body) => drain(decodeProtobufPieces(body))],
  ["normalise, attribute, price", (body) => through(body, ({ spans }) => drain(spans))],
  ["encode rows, count", (body) => through(body, ({ spans }) => encodeBatch(spans))],
  [
    "encode the log's record",
    (body) => through(body, async ({ spans }) => encodeRecord({ batch: await encodeBatch(spans), fanOut: new Map() })),
  ],
];

const micros = lines.map(() => 0);
for (let round = -5; round < rounds; round++) {
  for (const body of bodies) {
    for (const [index, [, run]] of lines.entries()) {
      const before = process.cpuUsage();
      await run(Buffer.from(body));
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) micros[index] = (micros[index] ?? 0) + user + system;
    }
  }
}
const spans = rounds * REQUESTS * requestSpans;
const perSpan = micros.map((total) => total / spans);
console.log(`${REQUESTS} requests of ${requestSpans} spans, ${bodies[0]?.length} bytes each; content ${content}`);
for (const [index, [name]] of lines.entries()) {
  console.log(`${name.padEnd(28)} ${((perSpan[index] ?? 0) - (perSpan[index - 1] ?? 0)).toFixed(2).padStart(6)} us a span`);
}
console.log(`${"together".padEnd(28)} ${(perSpan.at(-1) ?? 0).toFixed(2).padStart(6)} us a span`);
