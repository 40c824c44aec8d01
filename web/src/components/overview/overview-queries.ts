import type { CostFilter } from "../../api/cost.ts";

/** What the overview reads, named once for the server's first paint and for the browser. */
export const costTodayFilter = (timeZone: string): CostFilter => ({ groupBy: ["route", "pool", "silicon"], from: "today", tz: timeZone });
export const RECENT = { limit: 10 } as const;
export const RUNNING = { show: "active", limit: 100 } as const;
