import type { DestinationState } from "./destination.ts";

/** GET /status: each destination as people ask for it. Addresses, headers and spans are not in it; times are RFC 3339. */
export function fanOutStatus(destinations: readonly Readonly<DestinationState>[]) {
  return destinations.map((state) => ({
    name: state.name,
    state: state.breakerOpen ? "down" : state.retrying ? "retrying" : "ok",
    queued_spans: state.queuedSpans,
    queued_bytes: state.queuedBytes,
    sent_spans: state.sentSpans,
    retries: state.retries,
    dropped_spans: state.dropped,
    last_sent: state.lastSentAt === null ? null : new Date(state.lastSentAt).toISOString(),
    last_failure: state.lastFailure && { at: new Date(state.lastFailure.at).toISOString(), reason: state.lastFailure.reason },
  }));
}
