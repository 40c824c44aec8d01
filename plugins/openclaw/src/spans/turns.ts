import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";
import { SpanKind, type SpanRecord } from "@signalbox/otel/provider";
import { BoundedMap } from "../bounded-map.ts";
import { type HostObject, number, text, trace } from "../host-values.ts";
import type { Sessions } from "../sessions.ts";
import type { ToolCallIds } from "../tool-call-ids.ts";
import { failure, type Owner, type Turn } from "./turn.ts";

/** Milliseconds that a turn waits for late events of its calls before they are closed for it: of an aborted one few come. */
const LATE_MS = 10_000;
const LATE_ABORTED_MS = 1_000;
const MAX_LATE = 256;

/** `harness.run.*`: one turn of one agent, an `invoke_agent` span under the tool call that spawned the agent. */
export class Turns {
  readonly #sessions: Sessions;
  readonly #toolCallIds: ToolCallIds;
  readonly #bySpan = new BoundedMap<string, Turn>(1_024);
  readonly #byRun = new BoundedMap<string, Turn>(1_024);
  /** Turns that ended with calls still open. */
  #late: Turn[] = [];

  constructor(sessions: Sessions, toolCallIds: ToolCallIds) {
    this.#sessions = sessions;
    this.#toolCallIds = toolCallIds;
  }

  started(event: HostObject): void {
    const { traceId, spanId, parentSpanId } = trace(event);
    const runId = text(event.runId);
    const sessionKey = text(event.sessionKey) ?? text(event.sessionId);
    const startMs = number(event.ts);
    if (traceId === undefined || spanId === undefined || runId === undefined || sessionKey === undefined || startMs === undefined) return;
    const parent = this.at(parentSpanId);
    const sameSession = parent?.identity.sessionKey === sessionKey;
    const hostSessionId = text(event.sessionId);
    const identity = this.#sessions.identify({
      sessionKey,
      sessionId: hostSessionId,
      channel: text(event.channel),
      trigger: text(event.trigger),
      runId,
      traceParentKey: sameSession ? undefined : parent?.identity.sessionKey,
    });
    const before = this.#byRun.get(runId);
    const turn: Turn = {
      identity,
      turnId: runId,
      hostSessionId,
      traceId,
      spanId,
      startMs,
      follows: sameSession ? parent?.spanId : undefined,
      attemptOf: before?.traceId === traceId ? (before.attemptOf ?? before) : undefined,
      spawnerSpanId: parent !== undefined && !sameSession ? parent.spanId : undefined,
      calls: new Map(),
      provider: undefined,
      tools: new Map(),
      prompt: {},
      endedMs: undefined,
      works: true,
      lateUntilMs: Number.POSITIVE_INFINITY,
    };
    this.#bySpan.set(spanId, turn);
    this.#byRun.set(runId, turn);
  }

  /** OpenClaw has one more level between a turn and its calls (`run.*`), which we leave out. */
  innerRunStarted(event: HostObject): void {
    const { spanId, parentSpanId } = trace(event);
    const turn = this.at(parentSpanId);
    if (spanId !== undefined && turn !== undefined) this.#bySpan.set(spanId, turn);
  }

  /** What a run is asked is known just before it begins. */
  asked(context: HostObject, prompt: SpanRecord["attributes"]): void {
    const turn = this.at(trace(context).spanId);
    if (turn !== undefined) turn.prompt = prompt;
  }

  /** A run has made its last call, or was aborted. */
  workEnded(context: HostObject): void {
    const turn = this.at(trace(context).spanId);
    if (turn !== undefined) turn.works = false;
  }

  ended(event: HostObject, failed: boolean): SpanRecord[] {
    const turn = this.at(trace(event).spanId);
    const endMs = number(event.ts);
    if (turn === undefined || endMs === undefined || turn.endedMs !== undefined) return [];
    const outcome = text(event.outcome);
    const error = failed ? (text(event.errorCategory) ?? "error") : outcome === "completed" ? undefined : outcome;
    turn.endedMs = endMs;
    turn.lateUntilMs = endMs + (outcome === "aborted" ? LATE_ABORTED_MS : LATE_MS);
    if (isOpen(turn)) this.#late = [...this.#late.slice(1 - MAX_LATE), turn];
    const span = this.span(turn, endMs, error);
    // The turn is remembered for long; what was said is not.
    turn.prompt = {};
    return [span];
  }

  at(spanId: string | undefined): Turn | undefined {
    return spanId === undefined ? undefined : this.#bySpan.get(spanId);
  }

  /** The turn that an event of a call is from. */
  of(event: HostObject): Turn | undefined {
    return this.at(trace(event).parentSpanId) ?? this.#byRun.get(text(event.runId) ?? "");
  }

  /** Whose a call is that is made in no run. */
  ownerOutside(event: HostObject): Owner | undefined {
    const sessionKey = text(event.sessionKey);
    const runId = text(event.runId);
    if (sessionKey === undefined || runId === undefined) return undefined;
    return { identity: this.#sessions.identityOf(sessionKey, text(event.sessionId), runId), turnId: runId };
  }

  /** Every turn that is remembered, ended ones too. */
  all(): Turn[] {
    return [...new Set(this.#bySpan.values())];
  }

  /** Turns whose late calls are not waited for any more; each is returned once. */
  overdue(nowMs: number): Turn[] {
    if (this.#late.length === 0) return [];
    const due = this.#late.filter((turn) => nowMs > turn.lateUntilMs);
    this.#late = this.#late.filter((turn) => !due.includes(turn) && isOpen(turn));
    return due;
  }

  span(turn: Turn, endMs: number, error: string | undefined): SpanRecord {
    const ended = {
      traceId: turn.traceId,
      spanId: turn.spanId,
      kind: SpanKind.INTERNAL,
      startMs: turn.startMs,
      endMs,
      error: failure(error),
    };
    const attributes = { ...this.attributes(turn), [Attribute.errorType]: error };
    // Not an operation of its own: a turn is counted once.
    if (turn.attemptOf !== undefined) {
      return { ...ended, parentSpanId: turn.attemptOf.spanId, name: `attempt ${turn.identity.agentName}`, attributes };
    }
    const spawn = this.#sessions.spawnOf(turn.identity.sessionKey) ?? turn.identity.spawn;
    const spawner = spawn === undefined ? undefined : this.#toolCallIds.spanOf(spawn.runId, spawn.toolCallId);
    const parent = spawner?.traceId === turn.traceId ? spawner.spanId : turn.spawnerSpanId;
    const links = [
      ...(turn.follows === undefined ? [] : [{ traceId: turn.traceId, spanId: turn.follows }]),
      ...(spawner !== undefined && spawner.traceId !== turn.traceId ? [spawner] : []),
    ];
    return {
      ...ended,
      parentSpanId: parent,
      name: spanName.invokeAgent(turn.identity.agentName),
      attributes: {
        ...attributes,
        ...turn.prompt,
        [Attribute.operation]: Operation.invokeAgent,
        [Attribute.provider]: turn.provider,
      },
      links,
    };
  }

  /** What every span says: whose it is. */
  attributes(owner: Owner | undefined): SpanRecord["attributes"] {
    if (owner === undefined) return { [Attribute.agentKind]: "openclaw" };
    const { identity, turnId } = owner;
    const spawn = this.#sessions.spawnOf(identity.sessionKey) ?? identity.spawn;
    return {
      [Attribute.sessionId]: identity.sessionId,
      [Attribute.conversationId]: identity.sessionId,
      [Attribute.signalboxAgentId]: identity.agentId,
      [Attribute.agentId]: identity.agentId,
      [Attribute.parentAgentId]: identity.parentAgentId,
      [Attribute.agentDepth]: identity.depth,
      [Attribute.agentName]: identity.agentName,
      [Attribute.agentKind]: "openclaw",
      [Attribute.turnId]: turnId,
      [Attribute.channel]: identity.channel,
      [Attribute.task]: identity.task,
      [Attribute.spawnedByToolCall]: spawn === undefined ? undefined : this.#toolCallIds.shown(spawn.runId, spawn.toolCallId),
      "openclaw.session.key": identity.sessionKey,
    };
  }
}

const isOpen = (turn: Turn) => turn.calls.size + turn.tools.size > 0;
