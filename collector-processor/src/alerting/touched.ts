/** The writer names at most so many sessions in one notification: there may be more then. */
const MOST_NAMED = 50;

export interface Touch {
  sessions: readonly string[];
  /** More changed than are named. */
  all: boolean;
}

/** The sessions that committed batches changed since it was last asked. Bounded: beyond, all count as changed. */
export class Touched {
  readonly #limit: number;
  readonly #onDrop: () => void;
  #sessions = new Set<string>();
  #all = false;

  constructor(limit: number, onDrop: () => void) {
    this.#limit = limit;
    this.#onDrop = onDrop;
  }

  get isEmpty(): boolean {
    return this.#sessions.size === 0 && !this.#all;
  }

  /** A payload of NotifyChannel.ingest. */
  add(payload: string): void {
    const sessions = sessionsOf(payload);
    if (sessions === null || sessions.length >= MOST_NAMED) this.#all = true;
    for (const session of sessions ?? []) {
      if (this.#sessions.size < this.#limit || this.#sessions.has(session)) this.#sessions.add(session);
      else {
        this.#all = true;
        this.#onDrop();
      }
    }
  }

  take(): Touch {
    const touch = { sessions: [...this.#sessions], all: this.#all };
    this.#sessions = new Set();
    this.#all = false;
    return touch;
  }
}

function sessionsOf(payload: string): string[] | null {
  try {
    const { sessions } = JSON.parse(payload) as { sessions?: unknown };
    return Array.isArray(sessions) ? sessions.map(String) : null;
  } catch {
    return null;
  }
}
