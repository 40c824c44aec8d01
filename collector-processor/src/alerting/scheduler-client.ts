import { z } from "zod";
import type { Stop } from "./rule.ts";

/** The scheduler's control API, as far as alerting asks it. */
export interface SchedulerClient {
  /** @returns its receipt. @throws when it cannot be reached or refuses; the message says why. */
  stop(how: Stop, subject: { scope: "session" | "agent"; id: string }, reason: string): Promise<object>;
  /** How far each budget in force is used, 0 to 1 and beyond. */
  budgets(): Promise<Load[]>;
  /** Calls at each pool, waiting ones too, as a share of its slots. */
  pools(): Promise<Load[]>;
}
export interface Load {
  subject: string;
  value: number;
}

const TIMEOUT_MS = 10_000;
const MAX_PAGES = 20;
/** Spent at once: the ladder of a rerouted session has one rung, at the bottom, and a limit that is none. */
const REROUTE_BUDGET = { limit_usd: 1_000_000, ladder: [{ at: 1e-12, do: "reroute" }] };
const PERIODS = ["month", "day"] as const;

const Amount = z.string().nullable();
const Budgets = z.looseObject({
  data: z.array(
    z.looseObject({ scope: z.string(), id: z.string(), spent_nanousd: z.string(), limit_nanousd: Amount, state: z.string().nullable() }),
  ),
  next: z.string().nullable(),
  budgets: z.array(z.looseObject({ scope: z.string(), id: z.string(), period: z.string() })),
});
const Pools = z.looseObject({
  data: z.array(z.looseObject({ name: z.string(), slots: z.number(), active: z.number(), queued: z.number() })),
});
const Refused = z.object({ error: z.object({ message: z.string() }) });

export function schedulerClient(url: string, token: string): SchedulerClient {
  async function ask(method: "GET" | "POST" | "PUT", path: string, body?: object): Promise<unknown> {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
      body: body ? JSON.stringify(body) : null,
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: Error) => {
      const why = error.name === "TimeoutError" ? `said nothing for ${TIMEOUT_MS / 1000} s` : "cannot be reached";
      throw new Error(`the scheduler at ${url} ${why}`);
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const refused = Refused.safeParse(answer);
    throw new Error(`the scheduler refused with ${response.status}${refused.success ? `: ${refused.data.error.message}` : ""}`);
  }

  /** Under a period that has no budget of this scope yet: it must not stand before one that stops the session. */
  async function reroute(scope: "session" | "agent", id: string): Promise<object> {
    const { budgets } = Budgets.parse(await ask("GET", `/control/budgets?scope=${scope}`));
    const taken = new Set(budgets.filter((budget) => budget.scope === scope).map((budget) => budget.period));
    const own = budgets.find((budget) => budget.scope === scope && budget.id === id && PERIODS.some((known) => known === budget.period));
    const period = PERIODS.find((known) => !taken.has(known)) ?? own?.period;
    if (period === undefined) throw new Error(`cannot reroute ${id}: budgets of scope ${scope} use every period already`);
    return asObject(await ask("PUT", `/control/budgets/${scope}`, { ...REROUTE_BUDGET, id, period }));
  }

  return {
    async stop(how, { scope, id }, reason) {
      if (how === "reroute") return reroute(scope, id);
      return asObject(await ask("POST", `/control/sessions/${encodeURIComponent(id)}/${how}`, { reason: reason.slice(0, 500) }));
    },
    async budgets() {
      const loads: Load[] = [];
      let cursor: string | null = "";
      for (let page = 0; cursor !== null && page < MAX_PAGES; page++) {
        const query: string = cursor === "" ? "" : `?cursor=${encodeURIComponent(cursor)}`;
        const { data, next } = Budgets.parse(await ask("GET", `/control/budgets${query}`));
        for (const { scope, id, spent_nanousd, limit_nanousd, state } of data) {
          // without a state its period is over
          if (limit_nanousd === null || state === null) continue;
          loads.push({ subject: scope === "global" ? scope : `${scope} ${id}`, value: Number(spent_nanousd) / Number(limit_nanousd) });
        }
        cursor = next;
      }
      return loads;
    },
    async pools() {
      const { data } = Pools.parse(await ask("GET", "/control/pools"));
      return data
        .filter(({ slots }) => slots > 0)
        .map(({ name, slots, active, queued }) => ({ subject: name, value: (active + queued) / slots }));
    },
  };
}

const asObject = (value: unknown): object => (typeof value === "object" && value !== null ? value : {});
