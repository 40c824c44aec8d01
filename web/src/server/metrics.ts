/** The few numbers that tell how the dashboard itself is. On globalThis, as each route is bundled apart. */
const shared = globalThis as typeof globalThis & {
  signalboxMetrics?: { requests: Map<number, number>; liveConnections: number; liveEvents: number };
};
shared.signalboxMetrics ??= { requests: new Map(), liveConnections: 0, liveEvents: 0 };
const metrics = shared.signalboxMetrics;

export function countRequest(status: number): void {
  metrics.requests.set(status, (metrics.requests.get(status) ?? 0) + 1);
}
export function countLiveConnection(change: 1 | -1): void {
  metrics.liveConnections += change;
}
export function countLiveEvent(): void {
  metrics.liveEvents++;
}
export const liveConnections = () => metrics.liveConnections;

/** Prometheus text format 0.0.4. */
export function renderMetrics(): string {
  const requests = [...metrics.requests].map(([status, count]) => `signalbox_web_api_requests_total{status="${status}"} ${count}`);
  return [
    "# HELP signalbox_web_api_requests_total Requests to the read API.",
    "# TYPE signalbox_web_api_requests_total counter",
    ...requests,
    "# HELP signalbox_web_live_connections Open live connections (one a visible tab).",
    "# TYPE signalbox_web_live_connections gauge",
    `signalbox_web_live_connections ${metrics.liveConnections}`,
    "# HELP signalbox_web_live_events_total Batches of changes sent to tabs.",
    "# TYPE signalbox_web_live_events_total counter",
    `signalbox_web_live_events_total ${metrics.liveEvents}`,
    "# HELP process_resident_memory_bytes Resident memory size in bytes.",
    "# TYPE process_resident_memory_bytes gauge",
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    "",
  ].join("\n");
}
