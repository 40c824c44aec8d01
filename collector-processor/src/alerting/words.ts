import type { Condition } from "./condition.ts";

/** An amount of nano-USD as it is read: cents, or what there is below them. */
const money = (nanousd: number): string => {
  const usd = nanousd / 1e9;
  return `$${usd >= 0.01 ? usd.toFixed(2) : usd.toPrecision(2)}`;
};
const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

export function duration(seconds: number): string {
  for (const [unit, length] of [
    ["h", 3600],
    ["min", 60],
  ] as const) {
    if (seconds > length && seconds % length === 0) return `${seconds / length} ${unit}`;
  }
  return `${seconds} s`;
}

const WHERE: Record<string, (name: string) => string> = {
  all: () => "all calls",
  session: (name) => name,
  agent: (name) => `agent ${name}`,
  route: (name) => `route ${name || "(none)"}`,
  pool: (name) => `pool ${name || "(none)"}`,
  budget: (name) => `budget ${name}`,
};

/** What happened, in one line: `researcher spent $5.21, more than $5.00`. `value` is in nano-USD where the threshold is in USD. */
export function describe(condition: Condition, name: string, value: number): string {
  const { threshold } = condition;
  const who = (WHERE[condition.per] ?? WHERE.session)?.(name) ?? name;
  const window = duration(condition.window_seconds ?? 0);
  switch (condition.kind) {
    case "session_cost":
      return `${who} spent ${money(value)}, more than ${money(threshold * 1e9)}`;
    case "sub_agents":
      return `${who} spawned ${value} sub-agents within ${window}, more than ${threshold}`;
    case "spend_rate":
      return `${who}: ${money(value)} spent within ${window}, more than ${money(threshold * 1e9)}`;
    case "error_rate":
      return `${who}: ${percent(value)} of calls failed within ${window}, more than ${percent(threshold)}`;
    case "sla_missed":
      return `${who}: ${percent(value)} of calls missed their SLA within ${window}, more than ${percent(threshold)}`;
    case "budget":
      return `${who} is used to ${percent(value)}, more than ${percent(threshold)}`;
    case "pool_saturation":
      return `${who} is loaded to ${percent(value)} of its slots, more than ${percent(threshold)}`;
    case "silence":
      return `no span from ${condition.agent ?? "any agent"} for more than ${duration(threshold)}`;
    case "loop":
      return `${who} made the same tool call ${value} times within ${window}, more than ${threshold}`;
  }
}
