/**
 * Splits a pool's busy time among the calls that share it: while n calls run, each is charged 1/n of the time.
 * The shares of all calls add up to the time in which the pool was busy, however they overlapped.
 */
export interface BusyClock {
  /** A call begins; the result ends it and returns its share, in milliseconds. Call it once. */
  begin(now: number): (now: number) => number;
  /** Milliseconds in which at least one call ran. */
  busyMs(now: number): number;
  /** Its calls' time, summed: over a span of time, how many ran on average. */
  callMs(now: number): number;
}

export function createBusyClock(): BusyClock {
  let running = 0;
  let at = 0;
  let busy = 0;
  let calls = 0;
  /** Time as one call alone sees it: it passes n times slower while n run. */
  let share = 0;

  function advance(now: number): void {
    if (running > 0) {
      busy += now - at;
      calls += (now - at) * running;
      share += (now - at) / running;
    }
    at = now;
  }

  return {
    begin(now) {
      advance(now);
      running++;
      const from = share;
      return (end) => {
        advance(end);
        running--;
        return share - from;
      };
    },
    busyMs(now) {
      advance(now);
      return busy;
    },
    callMs(now) {
      advance(now);
      return calls;
    },
  };
}
