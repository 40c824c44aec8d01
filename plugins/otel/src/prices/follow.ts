import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { watchFolder } from "../watch-folder.ts";
import { ownPrices, PRICES_FILE, parseOwnPrices } from "./own.ts";
import type { PriceRow } from "./price-row.ts";
import { PRICES } from "./table.ts";

/** What models cost per token where a config does not say: the user's own prices (`signalbox prices set`) before the published ones. */
export interface PriceList {
  /** Another list once a price has changed. */
  readonly rows: readonly PriceRow[];
}

/** What a service writes its events to. */
interface Log {
  info(message: string, fields: Record<string, string | number>): void;
  warn(message: string, fields: Record<string, string | number>): void;
  error(message: string, fields: Record<string, string | number>): void;
}

const DAY_MS = 86_400_000;

/**
 * What follows from the list for one thing. Worked out again when the list has changed, and on another day (UTC), with which prices come
 * and go.
 */
export function asOfToday<T>(list: PriceList, workOut: (rows: readonly PriceRow[], now: number) => T): (now: number) => T {
  let known: { rows: readonly PriceRow[]; day: number; value: T } | undefined;
  return (now) => {
    const day = Math.floor(now / DAY_MS);
    if (known?.day !== day || known.rows !== list.rows) known = { rows: list.rows, day, value: workOut(list.rows, now) };
    return known.value;
  };
}

/** The prices of a state folder. @throws an Error that names the file, the entry and the field. */
export function readPrices(home: string): readonly PriceRow[] {
  const file = path.join(home, PRICES_FILE);
  return existsSync(file) ? [...ownPrices(parseOwnPrices(readFileSync(file, "utf8"), file), file), ...PRICES] : PRICES;
}

/**
 * Follows the user's prices in the state folder. What is wrong with a changed file, or what `check` throws for it, is logged, and the prices
 * before it stay.
 * @throws as `readPrices`, for what is there at start
 */
export function followPrices(
  home: string,
  log: Log,
  check: (rows: readonly PriceRow[]) => unknown = () => {},
): PriceList & { close(): void } {
  const file = path.join(home, PRICES_FILE);
  let rows = readPrices(home);

  function reload(): void {
    try {
      const changed = readPrices(home);
      check(changed);
      rows = changed;
      log.info("prices reloaded", { file, own: rows.length - PRICES.length });
    } catch (error) {
      log.error("prices refused, those before stay in force", { problem: (error as Error).message });
    }
  }

  const stop = watchFolder({
    folder: home,
    isMeant: (name) => name === PRICES_FILE,
    onChange: reload,
    onUnwatched: (error) => log.warn("changes of prices are not seen: start again to take them", { file, reason: error.message }),
  });
  return {
    get rows() {
      return rows;
    },
    close: stop,
  };
}
