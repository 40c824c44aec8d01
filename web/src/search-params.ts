import { parseAsBoolean, parseAsInteger, parseAsString, parseAsStringLiteral } from "nuqs/server";
import { EVENT_KINDS } from "./api/event.ts";
import { CONTRIBUTION_KINDS } from "./api/explain.ts";
import { MEMORY_RANGES } from "./api/memory.ts";
import { COST_RANGE_NAMES, GROUPING_NAMES, MEASURE_NAMES, RANGE_NAMES } from "./model/cost-view.ts";

/** What each page keeps in its address, read alike by server and browser. */

export const tokensParams = {
  range: parseAsStringLiteral(COST_RANGE_NAMES).withDefault("24h"),
  group: parseAsStringLiteral(GROUPING_NAMES).withDefault("model"),
  measure: parseAsStringLiteral(MEASURE_NAMES).withDefault("cost"),
  chart: parseAsStringLiteral(["stack", "lines"]).withDefault("stack"),
};

export const SHOWN_SESSIONS = ["all", "active", "errors", "unknown_cost"] as const;
export const sessionsParams = {
  q: parseAsString.withDefault(""),
  show: parseAsStringLiteral(SHOWN_SESSIONS).withDefault("all"),
  sort: parseAsStringLiteral(["recent", "cost"]).withDefault("recent"),
};

export const SESSION_VIEWS = ["timeline", "replay", "agents", "decisions", "memory"] as const;
export const sessionParams = {
  view: parseAsStringLiteral(SESSION_VIEWS).withDefault("timeline"),
  span: parseAsString,
  /** The moment that the replay shows: milliseconds since 1970. */
  at: parseAsInteger,
  /** The replay shows the bytes that were sent and received. */
  raw: parseAsBoolean.withDefault(false),
};

export const brainParams = {
  kind: parseAsStringLiteral(EVENT_KINDS),
  agent: parseAsString,
  channel: parseAsString,
  silicon: parseAsString,
  route: parseAsString,
  errors: parseAsBoolean.withDefault(false),
};

export const DECISIONS_SHOWN = ["all", "missed", "errors", "retried"] as const;
export const routesParams = {
  range: parseAsStringLiteral(RANGE_NAMES).withDefault("24h"),
  open: parseAsString,
  route: parseAsString,
  pool: parseAsString,
  show: parseAsStringLiteral(DECISIONS_SHOWN).withDefault("all"),
};

export const agentsParams = {
  show: parseAsStringLiteral(["all", "active", "runaway"]).withDefault("all"),
  sort: parseAsStringLiteral(["recent", "agents", "cost"]).withDefault("recent"),
  open: parseAsString,
};

export const explainParams = {
  range: parseAsStringLiteral(RANGE_NAMES).withDefault("24h"),
  by: parseAsStringLiteral(CONTRIBUTION_KINDS).withDefault("session"),
  /** One bar of the chart, clicked: milliseconds since 1970. */
  at: parseAsInteger,
};

export const alertsParams = {
  /** "new", or the id of the rule that is open in the builder */
  edit: parseAsString,
  range: parseAsStringLiteral(["24h", "7d", "30d"]).withDefault("7d"),
};

export const memoryParams = {
  q: parseAsString.withDefault(""),
  range: parseAsStringLiteral(MEMORY_RANGES).withDefault("7d"),
  /** The file that is open: its path, whose workspace it is in, its project. */
  path: parseAsString,
  of: parseAsString.withDefault(""),
  project: parseAsString.withDefault(""),
  /** The access that is pointed out: a span's id. */
  at: parseAsString,
};
