/** Times are RFC 3339 in UTC with nanoseconds. Durations are nanoseconds unless a name says otherwise. */

/** From Postgres' text form ("2026-11-21 01:02:03.456789+00") and the nanoseconds below the microsecond. */
export function rfc3339(timestamptz: string, nanos = 0): string {
  const [date = "", clock = ""] = timestamptz.replace(/\+00(:00)?$/, "").split(" ");
  const [seconds = "", fraction = ""] = clock.split(".");
  return `${date}T${seconds}.${fraction.padEnd(6, "0")}${String(nanos).padStart(3, "0")}Z`;
}

/** Milliseconds since 1970, keeping the microseconds as a fraction. */
export function epochMs(rfc: string): number {
  const cut = rfc.indexOf(".");
  if (cut < 0) return Date.parse(rfc);
  const fraction = Number(`0.${rfc.slice(cut + 1).replace(/[^0-9].*$/, "")}`);
  return Date.parse(`${rfc.slice(0, cut)}Z`) + fraction * 1000;
}

/** "840 µs", "1.4 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return pair(ms, 60_000, "min", 1000, "s");
  if (ms < 86_400_000) return pair(ms, 3_600_000, "h", 60_000, "min");
  return pair(ms, 86_400_000, "d", 3_600_000, "h");
}

function pair(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const wholes = Math.floor(ms / large);
  const rest = Math.floor((ms - wholes * large) / small);
  return rest === 0 ? `${wholes} ${largeName}` : `${wholes} ${largeName} ${rest} ${smallName}`;
}

/** "now", "12 s ago", "5 min ago", "3 h ago", "2 d ago" */
export function formatAgo(ms: number): string {
  if (ms < 5_000) return "now";
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  return `${Math.floor(ms / 86_400_000)} d ago`;
}

/** A session with no span for this long counts as idle. Spans arrive when they end, so a long model call must fit in. */
export const ACTIVE_WINDOW_MS = 90_000;

export type SessionState = "active" | "idle";

export const sessionState = (lastTime: string, now: number): SessionState =>
  now - epochMs(lastTime) < ACTIVE_WINDOW_MS ? "active" : "idle";
