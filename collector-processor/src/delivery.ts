import type { Store } from "./exporters/postgres-store.ts";
import type { FanOut } from "./fan-out/fan-out.ts";
import type { Stage } from "./pipeline.ts";
import type { SpanBatch } from "./span-batch.ts";

/** The last stage without a log: a batch is accepted when the store has committed it, and goes to the destinations then. */
export function commitFirst(store: Store, outlets: FanOut): Stage<SpanBatch> {
  return {
    async start() {
      await store.start();
      outlets.start();
    },
    async consume(batch) {
      // before the store: what waits for it is then bytes, and nothing of the request's objects is kept
      const items = outlets.rewrite(batch);
      await store.consume(batch);
      outlets.offer(items);
    },
    async shutdown() {
      await store.shutdown();
      await outlets.shutdown();
    },
  };
}
