/** Follows the scheduler's control stream, and acknowledges what it was told to stop. */

import { RequestHeader, ResponseHeader } from "./conventions.ts";

export interface ControlEvent {
  id: string;
  /** `session.killed`, `session.paused`, `session.resumed`, … */
  type: string;
  /** Of the session events: `session` is the id of a session, or of one agent in it. */
  data: { session?: unknown } & Readonly<Record<string, unknown>>;
}

/** `absent`: nothing of this session is here. `failed`: it is, and could not be stopped. */
export interface ControlOutcome {
  outcome: "stopped" | "absent" | "failed";
  detail?: string;
}

/** One line of what is stopped; `session` is the id of a session, or of one agent in it. */
export interface StoppedSession {
  session: string;
  /** Where only that of one project is stopped. */
  project?: string;
  state: string;
  reason: string;
}

export interface ControlClientOptions {
  /** The scheduler's origin. */
  schedulerUrl: string;
  /** The admin token. */
  token: string;
  /** What the agent makes its calls with, where the scheduler wants a key. */
  key?: string;
  /** Names this follower in receipts, e.g. `claude-code on laptop`. */
  subscriber: string;
  /** Connected, for the first time or again: `project` is the key's, if it has one. Must not throw. */
  onConnect?(project: string | undefined): void;
  /** Carries an event out; undefined where it asks for nothing. Must not throw. */
  onEvent(event: ControlEvent): Promise<ControlOutcome | undefined>;
  /** All that is stopped, told at the start and where the scheduler does not know what was missed. Must not throw. */
  onSnapshot?(stopped: readonly StoppedSession[]): void;
}

const RECONNECT_MS = 1_000;
const ACKNOWLEDGE_TIMEOUT_MS = 2_000;
/** No event is as long; a line that is comes from something else. */
const MAX_EVENT_CHARACTERS = 1 << 20;

/** Follows until closed; a scheduler that is away is tried again, and what was missed is sent again by it. */
export function followControl(options: ControlClientOptions): { close(): Promise<void> } {
  const { schedulerUrl, token, key, subscriber, onConnect, onEvent, onSnapshot } = options;
  const authorization = `Bearer ${token}`;
  const closing = new AbortController();
  let lastId: string | undefined;

  async function acknowledge(event: ControlEvent): Promise<void> {
    const done = await onEvent(event);
    if (done === undefined) return;
    const response = await fetch(new URL("/control/acks", schedulerUrl), {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ event: event.id, subscriber, ...done }),
      signal: AbortSignal.timeout(ACKNOWLEDGE_TIMEOUT_MS),
    });
    await response.body?.cancel();
  }

  async function follow(): Promise<void> {
    const url = new URL(`/control/stream?subscriber=${encodeURIComponent(subscriber)}`, schedulerUrl);
    const headers = {
      authorization,
      ...(key !== undefined && { [RequestHeader.followerKey]: key }),
      ...(lastId !== undefined && { "last-event-id": lastId }),
    };
    const response = await fetch(url, { headers, signal: closing.signal });
    if (!response.ok || response.body === null) throw new Error(`the control stream answered ${response.status}`);
    const project = response.headers.get(ResponseHeader.project);
    onConnect?.(project === null ? undefined : decodeURIComponent(project));
    let text = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = parseEvent(text.slice(0, end));
        text = text.slice(end + 2);
        if (event === undefined) continue;
        if (event.type === "snapshot") {
          onSnapshot?.(stoppedIn(event.data));
          continue;
        }
        lastId = event.id;
        // Not waited for: one that takes long must not hold up the next. A receipt says who did not answer.
        void acknowledge(event).catch(() => {});
      }
      if (text.length > MAX_EVENT_CHARACTERS) throw new Error("the control stream sends no events");
    }
  }

  const done = (async () => {
    while (!closing.signal.aborted) {
      await follow().catch(() => {});
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, closing.signal.aborted ? 0 : RECONNECT_MS);
        closing.signal.addEventListener(
          "abort",
          () => {
            clearTimeout(timer);
            resolve();
          },
          { once: true },
        );
      });
    }
  })();
  return {
    async close() {
      closing.abort();
      await done;
    },
  };
}

/** Undefined for heartbeats. The snapshot has no id. */
function parseEvent(text: string): ControlEvent | undefined {
  const fields = new Map(
    text.split("\n").map((line): [string, string] => [line.split(":", 1)[0] ?? "", line.slice(line.indexOf(":") + 1).trim()]),
  );
  const [id, type, data] = [fields.get("id") ?? "", fields.get("event"), fields.get("data")];
  if (type === undefined || data === undefined || (id === "" && type !== "snapshot")) return undefined;
  try {
    return { id, type, data: JSON.parse(data) as ControlEvent["data"] };
  } catch {
    return undefined;
  }
}

function stoppedIn({ stopped }: ControlEvent["data"]): StoppedSession[] {
  const known = (one: Partial<StoppedSession> | null): one is StoppedSession => typeof one?.session === "string";
  return Array.isArray(stopped) ? stopped.filter(known).map((one) => ({ ...one, reason: String(one.reason ?? "") })) : [];
}
