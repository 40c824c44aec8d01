import { randomUUID } from "node:crypto";
import { NotifyChannel, plainId } from "@signalbox/otel/conventions";
import type { Connection } from "../exporters/postgres-connection.ts";
import { transaction } from "../exporters/transaction.ts";
import type { Lease } from "../lease.ts";
import type { Micros } from "../rows.ts";
import type { Episode } from "./episodes.ts";
import type { Action, Rule } from "./rule.ts";
import { END_OPEN, END_STALE, INSERT_FIRED, QUEUE_NOTICE, QUEUE_STOP, RESOLVE, UPDATE_FIRING } from "./sql/events.ts";
import { describe } from "./words.ts";

/** What was found for a rule at one moment. */
export interface Found {
  rule: Rule;
  episodes: Episode[];
  now: Micros;
  /** Episodes that were over before this are history, and nobody is told. */
  notBefore: Micros;
  /** Every subject was looked at: what is open and was not found has ended. */
  complete: boolean;
}

interface Fired {
  event_id: string;
  subject: string;
  session_id: string | null;
}

/** A process that lost its lease must not write what it found. */
export class LeaseLost extends Error {
  override name = "LeaseLost";
}

/** Runs one transaction that only the holder of the lease can commit. @throws LeaseLost */
export async function fenced<T>(connection: Connection, held: Lease, work: () => Promise<T>): Promise<T> {
  return await transaction(connection, async () => {
    if (!(await held.fence())) throw new LeaseLost("another collector evaluates the rules now");
    return await work();
  });
}

/**
 * Writes what is new: for each episode that no event of this rule, version and subject stands for yet, an event, and what is to be done
 * about it into the outbox, in the caller's transaction. Where an event stands for it already, that one is brought up to date.
 * @returns how many fired
 */
export async function record(connection: Connection, { rule, episodes, now, notBefore, complete }: Found, groupSeconds: number) {
  const key = [rule.rule_id, rule.version];
  if (complete) await connection.query(END_OPEN, [...key, now, JSON.stringify(episodes.map(({ subject }) => subject))]);
  if (episodes.length === 0) return 0;
  const names = await namesOf(connection, episodes);
  const rows = episodes.map(({ subject, sessionId, start, end, peak }) => ({
    event_id: randomUUID(),
    subject,
    session_id: sessionId,
    value: peak,
    message: describe(rule.condition, nameOf(rule, subject, sessionId, names), peak),
    started_at: start,
    ended_at: end,
  }));
  const found = JSON.stringify(rows);
  await connection.query(UPDATE_FIRING, [...key, found, now]);
  const fired = await connection.query<Fired>(INSERT_FIRED, [
    ...key,
    found,
    now,
    notBefore,
    rule.name,
    rule.project ?? "",
    rule.condition.kind,
    rule.condition.threshold,
    String(rule.muted),
  ]);
  for (const action of rule.actions) await queue(connection, rule, action, fired, groupSeconds);
  if (fired.length > 0) await notifyPages(connection);
  return fired.length;
}

/** The same tool call of one session is told apart by its arguments: the session is stopped, not the call. */
const nameOf = (rule: Rule, subject: string, sessionId: string | null, names: ReadonlyMap<string, string>): string =>
  rule.condition.per === "session" && sessionId !== null ? (names.get(sessionId) ?? plainId(sessionId)) : plainId(subject);

async function namesOf(connection: Connection, episodes: readonly Episode[]): Promise<Map<string, string>> {
  const ids = [...new Set(episodes.flatMap(({ sessionId }) => sessionId ?? []))];
  const rows = await connection.query<{ session_id: string; agent_name: string }>(
    `select session_id, agent_name from signalbox.sessions
     where agent_name is not null and session_id in (select jsonb_array_elements_text($1::text::jsonb))`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map(({ session_id, agent_name }) => [session_id, `${agent_name} (${plainId(session_id)})`]));
}

async function queue(connection: Connection, rule: Rule, action: Action, fired: readonly Fired[], groupSeconds: number): Promise<void> {
  if (fired.length === 0) return;
  const ids = JSON.stringify(fired.map(({ event_id }) => event_id));
  if (action.do === "notify") {
    if (rule.muted) return;
    await connection.query(QUEUE_NOTICE, [randomUUID(), rule.rule_id, ids, action.channel_id, "fired", groupSeconds]);
    return;
  }
  for (const { event_id } of fired) await connection.query(QUEUE_STOP, [randomUUID(), rule.rule_id, event_id, action.do]);
}

/**
 * Ends what has ended by now: the alerts whose end has come, and those of sessions that are over. Those who were told that they fired
 * are told that they are over, in the caller's transaction.
 */
export async function resolve(connection: Connection, now: Micros, sessionOverSeconds: number, groupSeconds: number): Promise<void> {
  await connection.query(END_STALE, [now, sessionOverSeconds]);
  const over = await connection.query<{ rule_id: string; channel_id: string | null; event_ids: string[] }>(RESOLVE, [now]);
  for (const { rule_id, channel_id, event_ids } of over) {
    if (channel_id === null) continue;
    await connection.query(QUEUE_NOTICE, [randomUUID(), rule_id, JSON.stringify(event_ids), channel_id, "resolved", groupSeconds]);
  }
  if (over.length > 0) await notifyPages(connection);
}

const notifyPages = (connection: Connection) => connection.query("select pg_notify($1, '{}')", [NotifyChannel.alerts]);
