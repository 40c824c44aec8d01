/** What models cost per token where the config does not say: the user's own prices (`signalbox prices set`) before the published ones. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { ownPrices, PRICES, PRICES_FILE, type PriceRow, parseOwnPrices } from "@signalbox/otel/prices";
import { watchFolder } from "./config/watch-folder.ts";
import { ConfigError } from "./config.ts";
import type { Log } from "./log.ts";

export interface PriceList {
  /** Another list once a price has changed. */
  readonly rows: readonly PriceRow[];
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

/**
 * Follows the user's prices in the state folder. What is wrong with a changed file is logged, and the prices before it stay.
 * @throws ConfigError where it is wrong at start
 */
export function followPrices(home: string, log: Log): PriceList & { close(): void } {
  const file = path.join(home, PRICES_FILE);
  let rows = readPrices(home);

  function reload(): void {
    try {
      rows = readPrices(home);
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

/** The user's prices of a state folder before the published ones. @throws ConfigError */
export function readPrices(home: string): readonly PriceRow[] {
  const file = path.join(home, PRICES_FILE);
  if (!existsSync(file)) return PRICES;
  try {
    return [...ownPrices(parseOwnPrices(readFileSync(file, "utf8"), file), file), ...PRICES];
  } catch (error) {
    throw new ConfigError([(error as Error).message]);
  }
}
