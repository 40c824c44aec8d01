import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { ComparableCost, CostFields, Count, CursorParameter, limitParameter, page, Time, TimeParameter, Tokens } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

/** What cost can be grouped by. Agents and sessions are in one rollup, the rest in another: the two do not mix. */
export const ROUTE_GROUPS = [
  "route",
  "pool",
  "silicon",
  "model",
  "provider",
  "hardware",
  "sla_class",
  "task",
  "channel",
  "user",
  "key",
  "agent_kind",
  "project",
] as const;
/** Who pays: a small rollup counts by these alone. */
export const PAYER_GROUPS = ["project", "key", "user", "channel", "agent_kind"] as const;
/** Who asked: not in the rollup of places. */
export const ASKER_GROUPS = ["task", "user", "key", "agent_kind"] as const;
export const SESSION_GROUPS = ["agent", "session"] as const;
export const COMMON_GROUPS = ["route", "pool", "silicon", "model", "project"] as const;
export const COST_GROUPS = [...ROUTE_GROUPS, ...SESSION_GROUPS] as const;
export type CostGroup = (typeof COST_GROUPS)[number];

export const BUCKETS = ["minute", "hour", "6h", "day", "month"] as const;
export type Bucket = (typeof BUCKETS)[number];

const group = (name: CostGroup) =>
  z
    .string()
    .optional()
    .meta({ description: `with group_by=${name}; '' where the calls name none` });

export const CostRow = z
  .object({
    route: group("route"),
    pool: group("pool"),
    silicon: group("silicon"),
    model: group("model"),
    provider: group("provider"),
    hardware: group("hardware"),
    sla_class: group("sla_class"),
    task: group("task"),
    channel: group("channel"),
    user: group("user"),
    key: group("key").meta({
      description: "with group_by=key: the name of the key that the gateway took the calls with; '' where there was none",
    }),
    agent_kind: group("agent_kind"),
    project: group("project"),
    agent: group("agent"),
    agent_name: z.string().nullable().optional().meta({ description: "with group_by=agent: what the agent calls itself, where it does" }),
    session: group("session"),
    bucket: Time.nullable().meta({ description: "start of the bucket; null without `bucket`" }),
    calls: Count,
    errors: Count,
    ...Tokens,
    ...CostFields,
    ...ComparableCost,
  })
  .meta({ id: "CostRow" });
export type CostRow = z.infer<typeof CostRow>;

/** More calls than so many are not added up one by one. */
export const MOST_COUNTED_CALLS = 50_000;

export const CostPage = page(CostRow).extend({
  from: Time.meta({
    description:
      "where the answer really starts: `from`, brought down to a whole hour (a whole minute for ranges of at most 6 hours). The hour or minute that `to` is in counts whole",
  }),
  to: Time,
  bucket: z
    .enum(BUCKETS)
    .nullable()
    .meta({
      description: `as asked; of agents, sessions, tasks and other groups without totals by minute, hour in place of minute where the range holds more than ${MOST_COUNTED_CALLS.toLocaleString("en")} calls, which are then those of whole hours`,
    }),
});
export type CostPage = z.infer<typeof CostPage>;

export const CostParameters = z
  .object({
    group_by: z
      .string()
      .default("route")
      .transform((text) => text.split(",").map((name) => name.trim()))
      .pipe(
        z.array(z.enum(COST_GROUPS, { error: (issue) => `${JSON.stringify(issue.input)} is not one of ${COST_GROUPS.join(", ")}` })).min(1),
      )
      .refine((names) => new Set(names).size === names.length, "names a group twice")
      .refine(
        (names) => !names.some((name) => isSessionGroup(name)) || names.every((name) => isSessionGroup(name) || isCommonGroup(name)),
        `agent and session combine only with ${COMMON_GROUPS.join(", ")}`,
      )
      .meta({ description: `comma-separated, of ${COST_GROUPS.join(", ")}` }),
    from: TimeParameter.default("-24h"),
    to: TimeParameter.optional().meta({ description: "default: now" }),
    bucket: z.enum(BUCKETS).optional().meta({ description: "minute: for ranges of at most 6 hours" }),
    tz: z
      .string()
      .refine(isTimeZone, "is not an IANA time zone")
      .default("UTC")
      .meta({ description: "where days and months begin, an IANA name" }),
    top: z.coerce
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "only the groups that cost most in the whole range, so many" }),
    limit: limitParameter(5000, 20_000),
    cursor: CursorParameter,
  })
  .meta({ id: "CostParameters" });
export type CostParameters = z.infer<typeof CostParameters>;

const isSessionGroup = (name: CostGroup) => (SESSION_GROUPS as readonly string[]).includes(name);
const isCommonGroup = (name: CostGroup) => (COMMON_GROUPS as readonly string[]).includes(name);

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export interface CostFilter {
  groupBy: readonly CostGroup[];
  from: string;
  bucket?: Bucket;
  tz?: string;
  top?: number;
}

/** What a page asks for at most: a hundred groups in each minute of an hour, or fewer in longer ranges. */
export const MOST_ROWS = 10_000;

export const costQuery = ({ groupBy, from, bucket, tz, top }: CostFilter) =>
  queryOptions({
    queryKey: ["cost", groupBy.join(","), from, bucket ?? null, tz ?? "UTC", top ?? null],
    queryFn: ({ signal }) =>
      fetchJson(paths.api.cost({ group_by: groupBy.join(","), from, bucket, tz, top, limit: MOST_ROWS }), CostPage, signal),
  });
