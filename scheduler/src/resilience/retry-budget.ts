/** How many further attempts may be made: a share of the requests and a few a second, so that an outage does not double the load. */

export interface RetryBudgetOptions {
  /** Further attempts per request. */
  share: number;
  /** Always allowed, for when there are few requests. */
  perSecond: number;
}

export interface RetryBudget {
  /** A request came. */
  deposit(): void;
  /** @returns false where the budget is spent: counted */
  withdraw(): boolean;
  readonly refused: number;
}

/** Seconds of unused allowance that are kept. */
const KEPT_SECONDS = 10;

/** @param now milliseconds, monotonic */
export function createRetryBudget({ share, perSecond }: RetryBudgetOptions, now: () => number = () => performance.now()): RetryBudget {
  /** What requests have paid in; bounded by what the allowance of as many seconds would be, and by ten at least. */
  const most = Math.max(10, perSecond * KEPT_SECONDS);
  let tokens = 0;
  let allowance = perSecond;
  let at = now();
  let refused = 0;
  return {
    get refused() {
      return refused;
    },
    deposit() {
      tokens = Math.min(most, tokens + share);
    },
    withdraw() {
      const moment = now();
      allowance = Math.min(Math.max(1, perSecond), allowance + ((moment - at) / 1000) * perSecond);
      at = moment;
      if (allowance >= 1) allowance--;
      else if (tokens >= 1) tokens--;
      else {
        refused++;
        return false;
      }
      return true;
    },
  };
}
