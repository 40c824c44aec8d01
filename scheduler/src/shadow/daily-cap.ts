/** What may be spent in a calendar day (UTC), the worst case set aside before each call. In memory: each scheduler keeps its own. */
export interface DailyCap {
  /** @returns the settlement, to be called with what it cost; undefined where it does not fit */
  reserve(nanousd: number, limitNanousd: number, now: number): ((costNanousd: number) => void) | undefined;
}

const DAY_MS = 86_400_000;

export function createDailyCap(): DailyCap {
  let day = 0;
  let spent = 0;
  let reserved = 0;

  return {
    reserve(nanousd, limitNanousd, now) {
      const today = Math.floor(now / DAY_MS);
      if (today !== day) [day, spent] = [today, 0];
      if (spent + reserved + nanousd > limitNanousd) return undefined;
      reserved += nanousd;
      return (costNanousd) => {
        reserved -= nanousd;
        spent += costNanousd;
      };
    },
  };
}
