import type { Connection } from "./connection.ts";

export interface DrainableConnection extends Connection {
  draining: boolean;
}

/** While it drains a healthy connection says so, and is given no new calls; calls that were placed before keep their upstream. */
export function drainable(connection: Connection): DrainableConnection {
  let draining = false;
  return {
    get state() {
      return draining && connection.state.kind === "healthy" ? ({ kind: "draining" } as const) : connection.state;
    },
    get upstream() {
      return connection.upstream;
    },
    ...(connection.probe && { probe: connection.probe }),
    ...(connection.sessions && { sessions: connection.sessions }),
    start: () => connection.start(),
    close: () => connection.close(),
    get draining() {
      return draining;
    },
    set draining(wanted) {
      draining = wanted;
      if (connection.sessions) connection.sessions.closed = wanted;
    },
  };
}
