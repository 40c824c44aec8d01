export const MINUTE_TABLES = ["place_minute", "payer_minute", "tool_minute"];

/** What is before `since` goes only now that it was moved on some time ago: who has asked for it since reads on. */
export const DELETE_OLD_MINUTES = MINUTE_TABLES.map(
  (table) => `delete from signalbox.${table} where minute < (select since from signalbox.minutes_kept)`,
);
/** $1: a time as text. Never back: what was deleted, or not written, is not there. */
export const KEEP_MINUTES_SINCE =
  "update signalbox.minutes_kept set since = date_bin('1 minute', $1::text::timestamptz, '2000-01-01Z') where since < $1::text::timestamptz";
