/** Matching by meaning, put together: the vector of a message beside those of the routes' examples. */

import path from "node:path";
import type { AdmitAside } from "../../admission/aside.ts";
import type { Identity } from "../../admission/identity.ts";
import { asideIdentity, callAside } from "../../aside/aside.ts";
import type { RouteConfig, SemanticConfig } from "../../config/schema.ts";
import { scanEmbeddingsRequest } from "../../dialects/embeddings.ts";
import type { Log } from "../../log.ts";
import type { Offer } from "../../pools/pool.ts";
import type { DecisionRecord } from "../../telemetry/record.ts";
import type { Likeness } from "../route-match.ts";
import { type AskForVectors, createEmbedder, type Embedder } from "./embedder.ts";
import { loadExamples } from "./examples.ts";
import { cosine } from "./vectors.ts";

export interface Semantic extends Embedder {
  /** What routes ask about a message. */
  likeness(text: string): Promise<Likeness>;
  close(): void;
}

export interface SemanticOptions {
  config: SemanticConfig;
  routes: readonly RouteConfig[];
  /** The model that makes the vectors. */
  offer: Offer;
  admit: AdmitAside;
  home: string;
  record: (record: DecisionRecord) => void;
  onSkip: () => void;
  log: Log;
}

const MAX_REPLY_BYTES = 16 << 20;
const ROUTE = "semantic";

export function createSemantic({ config, routes, offer, admit, home, record, onSkip, log }: SemanticOptions): Semantic {
  const ask = askOffer(offer, asideIdentity("semantic", undefined), admit, record);
  const embedder = createEmbedder({
    ask,
    timeoutMs: config.timeout_ms,
    maxCharacters: config.max_characters,
    cacheEntries: config.cache_entries,
    onSkip,
  });
  const semantic = routes.flatMap(({ name, when }) => (when.semantic ? [{ name, examples: when.semantic.examples }] : []));
  const examples = loadExamples({
    texts: semantic.flatMap((route) => route.examples),
    ask,
    source: JSON.stringify(config.embeddings),
    file: path.join(home, "semantic-examples.json"),
    log,
  });

  return {
    embed: embedder.embed,
    async likeness(text) {
      if (!examples.ready) {
        onSkip();
        return { of: () => undefined, skipped: "the vectors of the examples are still to come" };
      }
      const vector = await embedder.embed(text);
      if ("skipped" in vector) return { of: () => undefined, skipped: vector.skipped };
      const near = new Map<string, { score: number; example: string }>();
      for (const route of semantic) {
        for (const example of route.examples) {
          const known = examples.vectorOf(example);
          const score = known ? cosine(vector, known) : 0;
          if (score > (near.get(route.name)?.score ?? Number.NEGATIVE_INFINITY)) near.set(route.name, { score, example });
        }
      }
      return { of: (route) => near.get(route) };
    },
    close: examples.close,
  };
}

/** Through the pool's slots, with a decision record each: vectors cost money too. */
function askOffer(offer: Offer, identity: Identity, admit: AdmitAside, record: (record: DecisionRecord) => void): AskForVectors {
  return async (input, signal) => {
    const chat = scanEmbeddingsRequest(Buffer.from(JSON.stringify({ model: offer.model, input, encoding_format: "float" })));
    const reason = "vectors for matching by meaning";
    const {
      status,
      body,
      record: call,
    } = await callAside({
      chat,
      headers: { "content-type": "application/json" },
      identity,
      offer,
      admit,
      route: ROUTE,
      reason,
      baseline: undefined,
      maxReplyBytes: MAX_REPLY_BYTES,
      signal,
      record,
    });
    if (status !== 200 || !body) throw new Error(`${offer.pool} answered ${status}${call.error ? ` (${call.error})` : ""}`);
    return readVectors(body, input.length);
  };
}

/** @throws where the reply holds anything but one vector a text */
function readVectors(body: Buffer, count: number): number[][] {
  const { data } = JSON.parse(body.toString()) as { data?: { index?: number; embedding?: unknown }[] };
  const vectors = [...(data ?? [])].sort((a, b) => (a.index ?? 0) - (b.index ?? 0)).map(({ embedding }) => embedding);
  const wellFormed = vectors.every((vector) => Array.isArray(vector) && vector.length > 0 && vector.every(Number.isFinite));
  if (vectors.length !== count || !wellFormed) throw new Error(`the reply does not hold ${count} vectors`);
  return vectors as number[][];
}
