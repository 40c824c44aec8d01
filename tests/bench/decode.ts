/**
 * Question: how fast does the hand-written decoder turn OTLP/protobuf into spans, against JSON.parse of the same batch in OTLP/JSON
 * (bytes to text to objects, nothing built from them) and against protobufjs? Spans per CPU-second; rounds interleaved, medians.
 *
 * Command: npm exec -- node tests/bench/decode.ts [rounds]
 */
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { decodeJsonTraces } from "../../collector-processor/src/otlp/decode-json.ts";
import { decodeProtobufTraces } from "../../collector-processor/src/otlp/decode-protobuf.ts";
import { agentBatch } from "./ingest-load.ts";

const SPANS = 512;
const ROUND_MS = 700;
const rounds = Number(process.argv[2] ?? 7);

const batch = agentBatch(SPANS, 1);
const schema = readFileSync(new URL("../../collector-processor/src/otlp/trace-service.proto", import.meta.url), "utf8");
const oracle = protobuf.parse(schema).root.lookupType("ExportTraceServiceRequest");

const contenders: Record<string, () => unknown> = {
  "hand-written protobuf decoder": () => decodeProtobufTraces(batch.protobuf),
  "JSON.parse alone": () => JSON.parse(batch.json.toString("utf8")),
  "JSON decoder, JSON.parse and build": () => decodeJsonTraces(batch.json),
  protobufjs: () => oracle.decode(batch.protobuf),
};

/** Spans per CPU-second of this process. */
function measure(run: () => unknown): number {
  const wallEnd = performance.now() + ROUND_MS;
  const before = process.cpuUsage();
  let spans = 0;
  while (performance.now() < wallEnd) {
    for (let repeat = 0; repeat < 10; repeat++) run();
    spans += 10 * SPANS;
  }
  const used = process.cpuUsage(before);
  return (spans / (used.user + used.system)) * 1e6;
}

const results = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]));
for (const run of Object.values(contenders)) measure(run);
for (let round = 0; round < rounds; round++) for (const [name, run] of Object.entries(contenders)) results.get(name)?.push(measure(run));

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] as number;
const base = median(results.get("JSON.parse alone") as number[]);
console.log(`${SPANS} spans, protobuf ${batch.protobuf.length} bytes, JSON ${batch.json.length} bytes, ${rounds} rounds`);
for (const [name, values] of results) {
  const rate = median(values);
  console.log(
    `${name.padEnd(36)} ${Math.round(rate).toLocaleString("en").padStart(9)} spans/CPU-s  ${(rate / base).toFixed(2)} x JSON.parse`,
  );
}
