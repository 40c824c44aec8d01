/** The tables that collectors add spans up in, by hour and by minute. */
export const ROLLUP_TABLES = [
  "route_hour",
  "place_hour",
  "payer_hour",
  "tool_hour",
  "session_hour",
  "place_minute",
  "payer_minute",
  "tool_minute",
] as const;
