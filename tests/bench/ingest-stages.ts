/**
 * Question: where does the collector's own CPU time for a span go? Each stage is run alone, again and again, over what the stage before
 * made of the same requests; the time is the process', its garbage collector's threads included, so a busy machine changes little.
 * Sending the rows to Postgres, and the sockets, are not in it: `ingest.ts` has the whole.
 *
 * Command: npm exec -- node tests/bench/ingest-stages.ts [spans a request, default 5000] [content: 0 or 1, default 0] [rounds, default 30]
 */
import { parseConfig } from "../../collector-processor/src/config.ts";
import { encodeBatch } from "../../collector-processor/src/exporters/encode-batch.ts";
import { decodeProtobufTraces } from "../../collector-processor/src/otlp/decode-protobuf.ts";
import { Rejections } from "../../collector-processor/src/pipeline.ts";
import { attribute } from "../../collector-processor/src/processors/attribute.ts";
import { normalise } from "../../collector-processor/src/processors/normalise.ts";
import { price } from "../../collector-processor/src/processors/price.ts";
import type { SpanBatch } from "../../collector-processor/src/span-batch.ts";
import { encodeRecord } from "../../collector-processor/src/wal/record.ts";
import { agentBatch } from "./ingest-load.ts";

const [requestSpans = 5_000, content = 0, rounds = 30] = process.argv.slice(2).map(Number);
const REQUESTS = 4;
const { limits, baseline } = parseConfig("", "the defaults", {});

let batch: SpanBatch = { spans: [], rejections: new Rejections() };
const last = {
  start: async () => {},
  shutdown: async () => {},
  consume: async (processed: SpanBatch) => {
    batch = processed;
  },
};
const pipeline = normalise(
  {
    defaultProject: limits.default_project,
    maxFutureDays: limits.max_future_days,
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
    },
    maxEvents: limits.max_events,
    keepNoise: limits.keep_noise_spans,
    onNoise: () => {},
    now: Date.now,
  },
  attribute(price({ baseline }, last)),
);

const bodies = Array.from({ length: REQUESTS }, (_, index) => agentBatch(requestSpans, index, content === 1).protobuf);
const micros: Record<string, number> = {};
let wanted = false;

async function measured<T>(stage: string, work: () => T | Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  if (wanted) micros[stage] = (micros[stage] ?? 0) + user + system;
  return result;
}

for (let round = -5; round < rounds; round++) {
  wanted = round >= 0;
  for (const body of bodies) {
    const resources = await measured("decode", () => decodeProtobufTraces(Buffer.from(body)));
    await measured("normalise, attribute, price", () => pipeline.consume({ resources, project: null, rejections: new Rejections() }));
    const encoded = await measured("encode rows, count", () => encodeBatch(batch));
    await measured("encode the log's record", () => encodeRecord({ batch: encoded, fanOut: new Map() }));
  }
}
const spans = rounds * REQUESTS * requestSpans;
console.log(`${REQUESTS} requests of ${requestSpans} spans, ${bodies[0]?.length} bytes each${content === 1 ? "; with content" : ""}`);
for (const [stage, total] of Object.entries(micros)) console.log(`${stage.padEnd(28)} ${(total / spans).toFixed(2).padStart(6)} us a span`);
const sum = Object.values(micros).reduce((a, b) => a + b, 0);
console.log(`${"together".padEnd(28)} ${(sum / spans).toFixed(2).padStart(6)} us a span`);
