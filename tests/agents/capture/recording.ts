import { setTimeout as sleep } from "node:timers/promises";
import type { FixtureRecord } from "./fixture-format.ts";

type Unstamped<Kind> = Kind extends FixtureRecord ? Omit<Kind, "t_ms"> & { t_ms?: number } : never;

/** Everything captured in one scenario, in order. */
export interface Recording {
  records: FixtureRecord[];
  /** Milliseconds since the scenario began. */
  now(): number;
  /** Adds a record, stamped now where it has no `t_ms`. */
  add(record: Unstamped<FixtureRecord>): void;
  /** Resolves when nothing was added for `forMs`; gives up after `timeoutMs` without an error. */
  quiet(forMs: number, timeoutMs: number): Promise<void>;
}

export function startRecording(): Recording {
  const startedAt = performance.now();
  let lastAddedAt = startedAt;
  const records: FixtureRecord[] = [];
  const now = () => Math.round(performance.now() - startedAt);
  return {
    records,
    now,
    add(record) {
      lastAddedAt = performance.now();
      records.push({ ...record, t_ms: record.t_ms ?? now() } as FixtureRecord);
    },
    async quiet(forMs, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while (performance.now() < deadline && performance.now() - lastAddedAt < forMs) await sleep(50);
    },
  };
}
