import { parseAsString, parseAsStringLiteral } from "nuqs/server";
import { GROUPING_NAMES, MEASURE_NAMES, RANGE_NAMES } from "./model/cost-view.ts";

/** What each page keeps in its address, read alike by server and browser. */

export const tokensParams = {
  range: parseAsStringLiteral(RANGE_NAMES).withDefault("24h"),
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

export const SESSION_VIEWS = ["timeline", "agents", "decisions"] as const;
export const sessionParams = {
  view: parseAsStringLiteral(SESSION_VIEWS).withDefault("timeline"),
  span: parseAsString,
};
