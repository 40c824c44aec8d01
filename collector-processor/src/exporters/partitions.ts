import type { Connection } from "./postgres-connection.ts";

const DAY_MS = 86_400_000;
/** Two collectors must not make the same partition at once. Taken inside the transaction that makes it. */
const LOCK = "8316291910694888048";

/** Earlier days share the partition spans_before_2025. */
const FIRST_DAY = Date.UTC(2025, 0, 1) / DAY_MS;

/** The table that has the spans of a day. */
export const spansOfDay = (day: number): string =>
  day < FIRST_DAY ? "signalbox.spans" : `signalbox.spans_${dateOf(day).slice(0, 10).replaceAll("-", "")}`;

const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString();

export const dayOf = (milliseconds: number): number => Math.floor(milliseconds / DAY_MS);

/**
 * The day partitions of spans that are known to exist; makes the others. A day is a count of days since 1970, UTC.
 *
 * A partition is made beside the table and attached: unlike CREATE … PARTITION OF, that lets readers and writers of spans go on.
 */
export class Partitions {
  readonly #known = new Set<number>();

  /** Must be called outside a transaction. */
  async ensure(connection: Connection, days: Iterable<number>): Promise<void> {
    for (const day of days) {
      if (day < FIRST_DAY || this.#known.has(day)) continue;
      await connection.run(createPartition(day));
      this.#known.add(day);
    }
  }

  /** Someone dropped a partition, or restored another database: look again. */
  forget(): void {
    this.#known.clear();
  }
}

function createPartition(day: number): string {
  const name = spansOfDay(day);
  return `do $$ begin
    perform pg_advisory_xact_lock(${LOCK});
    if to_regclass('${name}') is null then
      create table ${name} (like signalbox.spans including defaults including constraints including indexes);
      alter table signalbox.spans attach partition ${name} for values from ('${dateOf(day)}') to ('${dateOf(day + 1)}');
    end if;
  end $$`;
}
