/** Loaded into the scheduler before it starts: answers each message with what its process holds, garbage collected before. */

export interface Held {
  /** Bytes. */
  rss: number;
  heapUsed: number;
  external: number;
  /** Timers, sockets and the like that keep the process alive, by kind. */
  resources: Record<string, number>;
}

process.on("message", () => {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  process.send?.({ rss, heapUsed, external, resources } satisfies Held);
});
process.channel?.unref();
