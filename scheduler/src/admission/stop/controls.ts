/** Which sessions and agents are stopped. Cached here, kept in Postgres, followed by NOTIFY; a change holds at once, database or not. */

import { NotifyChannel } from "@signalbox/otel/conventions";
import type { Log } from "../../log.ts";
import type { Database } from "../postgres/database.ts";
import { isRefused, type Query } from "../postgres/session.ts";

export type ControlState = "killed" | "paused" | "active";

/** `id` is a session's or an agent's. */
export interface Control {
  id: string;
  state: ControlState;
  reason: string;
  source: "api" | "budget";
  /** Milliseconds since the epoch. Of two changes the later one holds. */
  changedAt: number;
}

export interface Controls {
  /** The stop that holds for any of these: a kill before a pause. */
  stopOf(lineage: readonly string[]): Control | undefined;
  stopped(): Control[];
  /** Holds when this returns. @returns whether Postgres has it: later, where it is away now */
  set(controls: readonly Control[]): Promise<boolean>;
  /** Another scheduler, or the dashboard, changed these. */
  onChange(listener: (control: Control) => void): void;
  /** Changes that Postgres has not taken yet. */
  readonly unsaved: number;
}

const READ_STOPPED = `select id, state, reason, source, changed_at from signalbox.session_controls where state <> 'active'`;
const READ_ONE = `select id, state, reason, source, changed_at from signalbox.session_controls where id = $1`;
const WRITE = `
with changed as (
  insert into signalbox.session_controls (id, state, reason, source, changed_at)
  select id, state, reason, source, changed_at
  from jsonb_to_recordset($1::text::jsonb) as c(id text, state text, reason text, source text, changed_at timestamptz)
  on conflict (id) do update
    set state = excluded.state, reason = excluded.reason, source = excluded.source, changed_at = excluded.changed_at
    where session_controls.changed_at <= excluded.changed_at
  returning id, state
)
select pg_notify('${NotifyChannel.control}', json_build_object('session', id, 'state', state)::text) from changed`;

/** A read is late by milliseconds, not by thousands of stops. */
const MAX_LIFTED = 10_000;

interface ControlRow extends Omit<Control, "changedAt"> {
  changed_at: Date;
}

export function createControls(database: Database | undefined, log: Log): Controls {
  const byId = new Map<string, Control>();
  /** When stops were lifted: what Postgres says of before, because a read overtook the write, is no news. Oldest first. */
  const liftedAt = new Map<string, number>();
  const unsaved = new Map<string, Control>();
  const listeners: ((control: Control) => void)[] = [];

  /** @returns whether it is news */
  function hold(control: Control): boolean {
    const before = byId.get(control.id);
    if ((before?.changedAt ?? liftedAt.get(control.id) ?? 0) > control.changedAt) return false;
    liftedAt.delete(control.id);
    if (control.state === "active") {
      byId.delete(control.id);
      if (liftedAt.size >= MAX_LIFTED) liftedAt.delete(liftedAt.keys().next().value as string);
      liftedAt.set(control.id, control.changedAt);
    } else byId.set(control.id, control);
    return (before?.state ?? "active") !== control.state;
  }

  function learn(rows: readonly ControlRow[]): void {
    for (const { changed_at, ...row } of rows) {
      const control = { ...row, changedAt: changed_at.getTime() };
      if (hold(control)) for (const listener of listeners) listener(control);
    }
  }

  async function save(query: Query): Promise<void> {
    const batch = [...unsaved.values()];
    if (batch.length === 0) return;
    try {
      await write(query, batch);
    } catch (error) {
      if (!isRefused(error)) throw error;
      // What Postgres will never take must not hold up the others.
      for (const control of batch) await write(query, [control]).catch((reason: Error) => refused(control, reason));
    }
  }

  async function write(query: Query, batch: readonly Control[]): Promise<void> {
    const rows = batch.map(({ changedAt, ...control }) => ({ ...control, changed_at: new Date(changedAt).toISOString() }));
    await query(WRITE, [JSON.stringify(rows)]);
    for (const control of batch) forget(control);
  }

  function refused(control: Control, error: Error): void {
    if (!isRefused(error)) throw error;
    log.error("Postgres refuses a stop: it holds in this scheduler alone", { id: control.id, reason: error.message });
    forget(control);
  }

  function forget(control: Control): void {
    if (unsaved.get(control.id) === control) unsaved.delete(control.id);
  }

  database?.onUp(async (query) => {
    await save(query);
    const rows = await query<ControlRow>(READ_STOPPED);
    const inForce = new Set(rows.map((row) => row.id));
    // Lifted by somebody else while nobody told us.
    learn([...byId.values()].filter(({ id }) => !inForce.has(id) && !unsaved.has(id)).map(lifted));
    learn(rows);
  });
  database?.onNotify(NotifyChannel.control, (payload) => {
    const id = idIn(payload);
    if (id === undefined) return;
    database
      .run((query) => query<ControlRow>(READ_ONE, [id]))
      .then(learn, (error: Error) => log.warn("a control could not be read; the next connection reads all", { id, reason: error.message }));
  });

  return {
    stopOf(lineage) {
      if (byId.size === 0) return undefined;
      let stop: Control | undefined;
      for (const id of lineage) {
        const found = byId.get(id);
        if (found && stop?.state !== "killed") stop = found.state === "killed" || !stop ? found : stop;
      }
      return stop;
    },
    stopped: () => [...byId.values()],
    async set(controls) {
      for (const control of controls) {
        hold(control);
        if (database) unsaved.set(control.id, control);
      }
      if (!database) return false;
      try {
        await database.run(save);
        return true;
      } catch (error) {
        log.warn("a stop holds here but is not in the database yet", { ids: controls.length, reason: (error as Error).message });
        return false;
      }
    },
    onChange: (listener) => void listeners.push(listener),
    get unsaved() {
      return unsaved.size;
    },
  };
}

const lifted = ({ changedAt, ...control }: Control): ControlRow => ({ ...control, state: "active", changed_at: new Date(changedAt) });

/** `{"session": id, "state": …}`; anything else is not ours. */
function idIn(payload: string): string | undefined {
  try {
    const { session } = JSON.parse(payload) as { session?: unknown };
    return typeof session === "string" ? session : undefined;
  } catch {
    return undefined;
  }
}
