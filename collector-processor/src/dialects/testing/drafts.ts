import { readFileSync } from "node:fs";
import { PRICES } from "@signalbox/otel/prices";
import { decodeJsonTraces } from "../../otlp/decode-json.ts";
import type { ResourceSpans } from "../../otlp/traces.ts";
import { Rejections } from "../../pipeline.ts";
import { attribute } from "../../processors/attribute.ts";
import { type NormaliseConfig, normalise } from "../../processors/normalise.ts";
import { price } from "../../processors/price.ts";
import { retentionLimits } from "../../retention/limits.ts";
import { retentionSchema } from "../../retention/retention-config.ts";
import type { SpanDraft } from "../../span-batch.ts";

const LIMITS = { count: 512, valueCharacters: 16_384, totalCharacters: 262_144 };

/** What the pipeline makes of spans, without a store. */
export async function drafts(resources: ResourceSpans[], changes: Partial<NormaliseConfig> = {}): Promise<SpanDraft[]> {
  const stored: SpanDraft[] = [];
  const store = { consume: async ({ spans }: { spans: Iterable<SpanDraft> }) => void stored.push(...spans) };
  const config: NormaliseConfig = {
    defaultProject: "default",
    maxFutureDays: 2,
    kept: retentionLimits({ ...retentionSchema.parse(undefined), payload_days: 7 }),
    attributes: LIMITS,
    content: { capture: true, payloadBytes: 1024, messages: 100, messageCharacters: 10_000, rememberedBytes: 1_000_000 },
    maxEvents: 10,
    keepNoise: false,
    onNoise: () => {},
    now: () => Date.parse("2026-11-21T03:00:00Z"),
    ...changes,
  };
  const pipeline = normalise(
    config,
    attribute(
      "default",
      price({ baseline: () => ({ input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }), prices: { rows: PRICES } }, store),
    ),
  );
  await pipeline.consume({ resources, project: null, rejections: new Rejections() });
  return stored;
}

/** The spans of a file of tests/fixtures/dialects, by name and number: `ChatOpenAI`, and `ChatOpenAI 2` for the second of that name. */
export async function fixture(file: string, changes?: Partial<NormaliseConfig>): Promise<Map<string, SpanDraft>> {
  const text = readFileSync(new URL(`../../../../tests/fixtures/dialects/${file}.json`, import.meta.url), "utf8");
  const { body } = JSON.parse(text) as { body: unknown };
  const byName = new Map<string, SpanDraft>();
  for (const draft of await drafts(decodeJsonTraces(Buffer.from(JSON.stringify(body))), changes)) {
    let name = draft.row.name;
    for (let number = 2; byName.has(name); number++) name = `${draft.row.name} ${number}`;
    byName.set(name, draft);
  }
  return byName;
}

export const calls = (spans: Map<string, SpanDraft>) => [...spans].filter(([, { row }]) => row.is_call).map(([name]) => name);
export const tokens = ({ row }: SpanDraft) => [
  row.input_tokens,
  row.cache_read_tokens,
  row.cache_write_tokens,
  row.output_tokens,
  row.reasoning_tokens,
];
/** Of one name; throws where there is none. */
export const get = (spans: Map<string, SpanDraft>, name: string): SpanDraft => {
  const found = spans.get(name);
  if (found === undefined) throw new Error(`no span ${name}`);
  return found;
};
