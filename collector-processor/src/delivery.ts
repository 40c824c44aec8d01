import { type EncodedBatch, encodeBatch, isEmpty } from "./exporters/encode-batch.ts";
import type { Store } from "./exporters/postgres-store.ts";
import type { FanOut } from "./fan-out/fan-out.ts";
import type { Rewritten } from "./fan-out/rewrite.ts";
import type { Stage } from "./pipeline.ts";
import type { SpanBatch } from "./span-batch.ts";

/** A request as what waits: rows for the store, bytes for each destination, and nothing of the request's objects. */
export interface Parcels {
  rows: EncodedBatch;
  /** by the destination's name */
  fanOut: Map<string, Rewritten>;
}

/** Reads the batch's spans. They are kept beyond their rows only where there is a destination. */
export async function pack({ spans, payloads, original }: SpanBatch, outlets: FanOut): Promise<Parcels> {
  if (outlets.destinations.length === 0 || original === undefined) return { rows: await encodeBatch(spans, payloads), fanOut: new Map() };
  const kept = [...spans];
  return { rows: await encodeBatch(kept, payloads), fanOut: outlets.rewrite(original(), kept) };
}

/** The last stage without a log: a batch is accepted when the store has committed it, and goes to the destinations then. */
export function commitFirst(store: Store, outlets: FanOut): Stage<SpanBatch> {
  return {
    async start() {
      await store.start();
      outlets.start();
    },
    async consume(batch) {
      const { rows, fanOut } = await pack(batch, outlets);
      if (isEmpty(rows)) return;
      await store.write(rows);
      outlets.offer(fanOut);
    },
    async shutdown() {
      await store.shutdown();
      await outlets.shutdown();
    },
  };
}
