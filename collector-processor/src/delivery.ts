import { crc32 } from "node:zlib";
import { type EncodedBatch, encodeBatch, isEmpty } from "./exporters/encode-batch.ts";
import type { Store } from "./exporters/postgres-store.ts";
import { RecentHashes } from "./exporters/recent-hashes.ts";
import type { FanOut } from "./fan-out/fan-out.ts";
import type { Rewritten } from "./fan-out/rewrite.ts";
import type { Stage } from "./pipeline.ts";
import type { Refusal } from "./receivers/admission.ts";
import { type SpanBatch, type SpanDraft, withEach } from "./span-batch.ts";

/** A request as what waits: rows for the store, bytes for each destination, and nothing of the request's objects. */
export interface Parcels {
  rows: EncodedBatch;
  /** by the destination's name */
  fanOut: Map<string, Rewritten>;
}

/** The last stage. */
export interface Delivery extends Stage<SpanBatch> {
  /** Why a body of so many bytes would not be taken now beside others that are under way; null: it may be. Asked before it is read. */
  refusal: Refusal;
}

/**
 * Requests that are decoded and encoded at the same time; the others wait, as bytes. Each takes its turn on the one thread, so more at once
 * would end later, all of them, and hold rows and objects for as long; one alone would let small ones wait for the largest.
 */
const MAX_AT_ONCE = 4;

/** A client that got no answer in time sends the same again: it is known among so many. */
const MAX_RECENT = 10_000;
const MARK_BYTES = 256;
/** By its length, and the ids of its first span and its last. One that is taken for another is only stored the slower way. */
const markOf = ({ spans }: EncodedBatch): string =>
  `${spans.length} ${crc32(spans.subarray(0, MARK_BYTES))} ${crc32(spans.subarray(-MARK_BYTES))}`;

export interface Packer {
  /** Reads the batch's spans, and keeps none. */
  pack(batch: SpanBatch): Promise<Parcels>;
  /** These rows are accepted: who sends them again repeats them. */
  accepted(rows: EncodedBatch): void;
}

export function packer(outlets: FanOut): Packer {
  let underWay = 0;
  const waiting: (() => void)[] = [];
  const recent = new Set<string>();
  const recentMessages = new RecentHashes();
  const isNew = (hash: string) => recentMessages.isNew(hash);

  async function encode(spans: Iterable<SpanDraft>, payloads: SpanBatch["payloads"]): Promise<EncodedBatch> {
    const rows = await encodeBatch(spans, payloads, isNew);
    rows.repeated = recent.has(markOf(rows));
    return rows;
  }

  async function packNow({ spans, payloads, original }: SpanBatch): Promise<Parcels> {
    if (outlets.destinations.length === 0 || original === undefined) return { rows: await encode(spans, payloads), fanOut: new Map() };
    const rewriter = outlets.rewriter(original);
    const rows = await encode(
      withEach(spans, (span) => rewriter.add(span)),
      payloads,
    );
    return { rows, fanOut: rewriter.take() };
  }

  return {
    async pack(batch) {
      if (underWay < MAX_AT_ONCE) underWay++;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await packNow(batch);
      } finally {
        const next = waiting.shift();
        if (next === undefined) underWay--;
        else next();
      }
    },
    accepted(rows) {
      recent.add(markOf(rows));
      if (recent.size > MAX_RECENT) for (const oldest of recent.values().take(1)) recent.delete(oldest);
    },
  };
}

/** The last stage without a log: a batch is accepted when the store has committed it, and goes to the destinations then. */
export function commitFirst(store: Store, outlets: FanOut): Delivery {
  const { pack, accepted } = packer(outlets);
  return {
    refusal: () => store.refusal(),
    async start() {
      await store.start();
      outlets.start();
    },
    async consume(batch) {
      const { rows, fanOut } = await pack(batch);
      if (isEmpty(rows)) return;
      await store.write(rows);
      accepted(rows);
      outlets.offer(fanOut);
    },
    async shutdown() {
      await store.shutdown();
      await outlets.shutdown();
    },
  };
}
