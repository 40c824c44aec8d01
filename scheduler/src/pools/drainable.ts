import type { Connection, ConnectionState, Upstream } from "./connection.ts";

export interface DrainableConnection extends Connection {
  draining: boolean;
}

/** While it drains a healthy connection says so, and is given no new calls; calls that were placed before keep their upstream. */
export const drainable = (connection: Connection): DrainableConnection => new Drainable(connection);

const DRAINING = { kind: "draining" } as const;

/** A class, and no literal with getters: see the slot gate. */
class Drainable implements DrainableConnection {
  readonly probe?: NonNullable<Connection["probe"]>;
  readonly sessions?: NonNullable<Connection["sessions"]>;
  readonly #connection: Connection;
  #draining = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    if (connection.probe) this.probe = connection.probe;
    if (connection.sessions) this.sessions = connection.sessions;
  }

  get state(): ConnectionState {
    const { state } = this.#connection;
    return this.#draining && state.kind === "healthy" ? DRAINING : state;
  }

  get upstream(): Upstream | undefined {
    return this.#connection.upstream;
  }

  get draining(): boolean {
    return this.#draining;
  }

  set draining(wanted: boolean) {
    this.#draining = wanted;
    if (this.sessions) this.sessions.closed = wanted;
  }

  start(): void {
    this.#connection.start();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
