/** What control tells those who follow it, kept for a while for those who come back, and what they acknowledged. */

export interface ControlEvent {
  /** `<process start>-<number>`, rising within a process. */
  id: string;
  /** `session.killed`, `session.paused`, `session.resumed`, `budget.warn`, … */
  type: string;
  data: Readonly<Record<string, unknown>>;
}

export interface Subscriber {
  /** Who acknowledges; undefined for those who only look. */
  name: string | undefined;
  /** @returns false when it cannot keep up: it is dropped */
  send(event: ControlEvent): boolean;
  /** The scheduler stops. */
  end(): void;
}

export interface Acknowledgement {
  subscriber: string;
  /** `absent`: it has nothing of this session. */
  outcome: "stopped" | "absent" | "failed";
  detail?: string;
}

export interface Acknowledged {
  received: Acknowledgement[];
  /** Names of followers that were told and did not answer in time. */
  silent: string[];
}

export interface ControlEvents {
  publish(type: string, data: ControlEvent["data"]): ControlEvent;
  /** Waits for the named followers there are now. */
  acknowledged(event: ControlEvent, timeoutMs: number): Promise<Acknowledged>;
  /** @returns false where the event is not known (any more) */
  acknowledge(eventId: string, acknowledgement: Acknowledgement): boolean;
  /** @returns the events after `lastEventId`; undefined where that id is not known (any more) */
  since(lastEventId: string): ControlEvent[] | undefined;
  subscribe(subscriber: Subscriber): () => void;
  readonly subscribers: number;
  close(): void;
}

export function createControlEvents(ringSize = 1_000): ControlEvents {
  const start = Date.now().toString(36);
  const ring: { event: ControlEvent; received: Map<string, Acknowledgement>; check: () => void }[] = [];
  const subscribers = new Set<Subscriber>();
  let count = 0;

  const find = (id: string) => ring.findLast(({ event }) => event.id === id);

  return {
    publish(type, data) {
      const event = { id: `${start}-${++count}`, type, data };
      ring.push({ event, received: new Map(), check: () => {} });
      if (ring.length > ringSize) ring.shift();
      for (const subscriber of subscribers) if (!subscriber.send(event)) subscribers.delete(subscriber);
      return event;
    },
    async acknowledged(event, timeoutMs) {
      const entry = find(event.id);
      const asked = new Set([...subscribers].flatMap(({ name }) => name ?? []));
      if (!entry) return { received: [], silent: [...asked] };
      const silent = () => [...asked].filter((name) => !entry.received.has(name));
      if (silent().length > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          entry.check = () => {
            if (silent().length > 0) return;
            clearTimeout(timer);
            resolve();
          };
        });
        entry.check = () => {};
      }
      return { received: [...entry.received.values()], silent: silent() };
    },
    acknowledge(eventId, acknowledgement) {
      const entry = find(eventId);
      entry?.received.set(acknowledgement.subscriber, acknowledgement);
      entry?.check();
      return entry !== undefined;
    },
    since(lastEventId) {
      const at = ring.findLastIndex(({ event }) => event.id === lastEventId);
      return at < 0 ? undefined : ring.slice(at + 1).map(({ event }) => event);
    },
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    get subscribers() {
      return subscribers.size;
    },
    close() {
      for (const subscriber of subscribers) subscriber.end();
    },
  };
}
