import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";
import { SpanKind, type SpanRecord } from "@signalbox/otel/provider";
import { BoundedMap } from "./bounded-map.ts";
import { type Content, createContent } from "./content.ts";
import { type HostObject, number, object, text, trace } from "./host-values.ts";
import { measures } from "./measures.ts";
import { responseAttributes } from "./response-attributes.ts";
import { type Identity, Sessions } from "./sessions.ts";
import { spawnedKey } from "./spawn-result.ts";
import { ToolCallIds } from "./tool-call-ids.ts";

/**
 * OpenClaw's events become spans. Pure: no clock, no I/O, no ids of its own; the same events give the same spans.
 *
 *     harness.run.*      one turn of one agent      invoke_agent, under the span of the tool call that spawned the agent
 *     model.call.*       one LLM call               chat, under its turn
 *     tool.execution.*   one tool call              execute_tool, under its turn
 *
 * Spans carry OpenClaw's own trace and span ids: it sends the model call's id as `traceparent`, and so the scheduler's spans nest
 * under ours by themselves. A span is handed over when it has ended.
 *
 * Diagnostic events of calls come from a queue, after the fact and at times after the end of their turn; hooks come at once. So
 * identity for request headers is taken from hooks and from `harness.run.started` (which is not queued), measures from events.
 */
export interface Mapper {
  /** Takes one diagnostic event. Returns the spans that it ended. */
  diagnostic(event: unknown): SpanRecord[];
  /** Takes one hook call; hooks end no spans. */
  hook(name: HookName, event: unknown, context: unknown): void;
  /**
   * Who makes a request to a model, and marks the call as routed. `spanId` is the one in the request's `traceparent`;
   * `scopeSpanId` that of the run it is made in, for requests that have no call of their own.
   */
  requestStarted(spanId: string | undefined, scopeSpanId: string | undefined): RequestIdentity | undefined;
  /** The scheduler's response headers, lower-case names. */
  responseStarted(spanId: string, headers: Readonly<Record<string, string>>): void;
  /** Spans that never ended by an event, closed as aborted at `nowMs`: at shutdown. */
  finish(nowMs: number): SpanRecord[];
}

export const HOOKS = ["model_call_started", "before_tool_call", "after_tool_call", "before_message_write", "subagent_spawned"] as const;
export type HookName = (typeof HOOKS)[number];

export const EVENTS = [
  "harness.run.started",
  "harness.run.completed",
  "harness.run.error",
  "run.started",
  "model.call.started",
  "model.call.completed",
  "model.call.error",
  "tool.execution.started",
  "tool.execution.completed",
  "tool.execution.error",
  "tool.execution.blocked",
] as const;

export interface MapperOptions {
  /** Provider ids of OpenClaw's config that are the scheduler: calls to them are routed even where no request was seen. */
  schedulerProviders: ReadonlySet<string>;
  /** Take prompts, answers, tool arguments and results along, redacted. */
  content: boolean;
}

export interface RequestIdentity {
  identity: Identity;
  turnId: string;
}

/** Milliseconds that a turn waits for late events of its calls before they are closed for it. */
const LATE_MS = 10_000;
const SPAWN_TOOL = "sessions_spawn";

interface Turn extends RequestIdentity {
  traceId: string;
  spanId: string;
  startMs: number;
  /** The turn in whose trace this one is, of the same session: what an announcement follows. */
  follows: string | undefined;
  /** The turn of the spawner, for a sub-agent whose tool call is not known. */
  spawnerSpanId: string | undefined;
  calls: Map<string, Call>;
  tools: Map<string, ToolCall>;
  endedMs: number | undefined;
}

interface Call {
  turn: Turn | undefined;
  traceId: string;
  spanId: string;
  startMs: number;
  provider: string;
  model: string;
  routed: boolean;
  response: SpanRecord["attributes"];
  message: SpanRecord["attributes"];
}

interface ToolCall {
  traceId: string;
  spanId: string;
  startMs: number;
  name: string;
  id: string;
}

export function createMapper(options: MapperOptions): Mapper {
  const sessions = new Sessions();
  const content: Content = createContent(options.content);
  const toolCallIds = new ToolCallIds();
  const turnsBySpan = new BoundedMap<string, Turn>(2_048);
  const turnsByRun = new BoundedMap<string, Turn>(2_048);
  const callsBySpan = new BoundedMap<string, Call>(4_096);
  const lastCallBySession = new BoundedMap<string, Call>(1_024);
  const toolSpans = new BoundedMap<string, { traceId: string; spanId: string }>(4_096);
  /** Turns that ended with calls still open. */
  let late: Turn[] = [];

  const findTurn = (event: HostObject) => {
    const { parentSpanId } = trace(event);
    return (parentSpanId === undefined ? undefined : turnsBySpan.get(parentSpanId)) ?? turnsByRun.get(text(event.runId) ?? "");
  };

  const common = (turn: Turn | undefined): SpanRecord["attributes"] => {
    if (turn === undefined) return { [Attribute.agentKind]: "openclaw" };
    const { identity } = turn;
    const spawn = sessions.spawnOf(identity.sessionKey) ?? identity.spawn;
    return {
      [Attribute.sessionId]: identity.sessionId,
      [Attribute.conversationId]: identity.sessionId,
      [Attribute.signalboxAgentId]: identity.agentId,
      [Attribute.agentId]: identity.agentId,
      [Attribute.parentAgentId]: identity.parentAgentId,
      [Attribute.agentDepth]: identity.depth,
      [Attribute.agentName]: identity.agentName,
      [Attribute.agentKind]: "openclaw",
      [Attribute.turnId]: turn.turnId,
      [Attribute.channel]: identity.channel,
      [Attribute.task]: identity.task,
      [Attribute.spawnedByToolCall]: spawn === undefined ? undefined : toolCallIds.shown(spawn.runId, spawn.toolCallId),
      "openclaw.session.key": identity.sessionKey,
    };
  };

  const turnStarted = (event: HostObject): void => {
    const { traceId, spanId, parentSpanId } = trace(event);
    const runId = text(event.runId);
    const sessionKey = text(event.sessionKey) ?? text(event.sessionId);
    const startMs = number(event.ts);
    if (traceId === undefined || spanId === undefined || runId === undefined || sessionKey === undefined || startMs === undefined) return;
    const parent = parentSpanId === undefined ? undefined : turnsBySpan.get(parentSpanId);
    const sameSession = parent?.identity.sessionKey === sessionKey;
    const identity = sessions.identify({
      sessionKey,
      sessionId: text(event.sessionId),
      channel: text(event.channel),
      trigger: text(event.trigger),
      runId,
      traceParentKey: sameSession ? undefined : parent?.identity.sessionKey,
    });
    const turn: Turn = {
      identity,
      turnId: runId,
      traceId,
      spanId,
      startMs,
      follows: sameSession ? parent?.spanId : undefined,
      spawnerSpanId: parent !== undefined && !sameSession ? parent.spanId : undefined,
      calls: new Map(),
      tools: new Map(),
      endedMs: undefined,
    };
    turnsBySpan.set(spanId, turn);
    turnsByRun.set(runId, turn);
  };

  const turnEnded = (event: HostObject, failed: boolean): SpanRecord[] => {
    const turn = turnsBySpan.get(trace(event).spanId ?? "");
    const endMs = number(event.ts);
    if (turn === undefined || endMs === undefined || turn.endedMs !== undefined) return [];
    turn.endedMs = endMs;
    if (turn.calls.size + turn.tools.size > 0) late = [...late.slice(-255), turn];
    const outcome = text(event.outcome);
    const error = failed ? (text(event.errorCategory) ?? "error") : outcome === "completed" ? undefined : outcome;
    return [turnSpan(turn, endMs, error)];
  };

  const turnSpan = (turn: Turn, endMs: number, error: string | undefined): SpanRecord => {
    const spawn = sessions.spawnOf(turn.identity.sessionKey) ?? turn.identity.spawn;
    const spawner = spawn === undefined ? undefined : toolSpans.get(toolKey(spawn.runId, spawn.toolCallId));
    const parent = spawner?.traceId === turn.traceId ? spawner.spanId : turn.spawnerSpanId;
    const links = [
      ...(turn.follows === undefined ? [] : [{ traceId: turn.traceId, spanId: turn.follows }]),
      ...(spawner !== undefined && spawner.traceId !== turn.traceId ? [spawner] : []),
    ];
    return {
      traceId: turn.traceId,
      spanId: turn.spanId,
      parentSpanId: parent,
      name: spanName.invokeAgent(turn.identity.agentName),
      kind: SpanKind.INTERNAL,
      startMs: turn.startMs,
      endMs,
      attributes: { ...common(turn), [Attribute.operation]: Operation.invokeAgent, [Attribute.errorType]: error },
      links,
      error: error === undefined ? undefined : { message: error },
    };
  };

  const callStarted = (event: HostObject, ids = trace(event)): void => {
    const startMs = number(event.ts);
    if (ids.traceId === undefined || ids.spanId === undefined) return;
    const known = callsBySpan.get(ids.spanId);
    if (known !== undefined) {
      // The hook came first, and has no time of its own.
      if (startMs !== undefined) known.startMs = startMs;
      return;
    }
    const turn = findTurn({ ...event, trace: ids });
    const provider = text(event.provider) ?? "unknown";
    const call: Call = {
      turn,
      traceId: ids.traceId,
      spanId: ids.spanId,
      startMs: startMs ?? Number.NaN,
      provider,
      model: text(event.model) ?? "unknown",
      routed: options.schedulerProviders.has(provider),
      response: {},
      message: {},
    };
    callsBySpan.set(call.spanId, call);
    turn?.calls.set(call.spanId, call);
    const sessionKey = text(event.sessionKey);
    if (sessionKey !== undefined) lastCallBySession.set(sessionKey, call);
  };

  const callEnded = (event: HostObject, failed: boolean): SpanRecord[] => {
    callStarted(event);
    const call = callsBySpan.get(trace(event).spanId ?? "");
    const endMs = number(event.ts);
    if (call === undefined || endMs === undefined) return [];
    forget(call);
    const startMs = endMs - (number(event.durationMs) ?? 0);
    const error = failed ? (text(event.failureKind) ?? text(event.errorCategory) ?? "error") : undefined;
    return [
      callSpan(call, Number.isFinite(call.startMs) ? Math.min(call.startMs, endMs) : startMs, endMs, measures(event, call.routed), error),
    ];
  };

  const forget = (call: Call) => {
    callsBySpan.delete(call.spanId);
    call.turn?.calls.delete(call.spanId);
  };

  const callSpan = (call: Call, startMs: number, endMs: number, measured: SpanRecord["attributes"], error?: string): SpanRecord => ({
    traceId: call.traceId,
    spanId: call.spanId,
    parentSpanId: call.turn?.spanId,
    name: spanName.chat(call.model),
    kind: SpanKind.CLIENT,
    startMs,
    endMs,
    attributes: {
      ...common(call.turn),
      [Attribute.operation]: Operation.chat,
      [Attribute.provider]: call.provider,
      [Attribute.requestModel]: call.model,
      [Attribute.routed]: call.routed ? true : undefined,
      ...measured,
      ...call.message,
      ...call.response,
      [Attribute.errorType]: error,
    },
    error: error === undefined ? undefined : { message: error },
  });

  const toolStarted = (event: HostObject): void => {
    const { traceId, spanId } = trace(event);
    const runId = text(event.runId) ?? "";
    const id = text(event.toolCallId);
    const startMs = number(event.sourceTimestampMs) ?? number(event.ts);
    if (traceId === undefined || spanId === undefined || id === undefined || startMs === undefined) return;
    toolCallIds.seen(runId, id);
    toolSpans.set(toolKey(runId, id), { traceId, spanId });
    findTurn(event)?.tools.set(spanId, { traceId, spanId, startMs, name: text(event.toolName) ?? "unknown", id });
  };

  const toolEnded = (event: HostObject, failed: boolean): SpanRecord[] => {
    const { spanId, traceId } = trace(event);
    const id = text(event.toolCallId);
    const endMs = number(event.ts);
    if (spanId === undefined || traceId === undefined || endMs === undefined) return [];
    const turn = findTurn(event);
    const started = turn?.tools.get(spanId);
    turn?.tools.delete(spanId);
    const runId = text(event.runId) ?? "";
    // The wrapper of a tool found by Tool Search: the call inside it is the tool call.
    if (id !== undefined && toolCallIds.isWrapper(runId, id)) return [];
    const startMs = started?.startMs ?? endMs - (number(event.durationMs) ?? 0);
    const tool: ToolCall = { traceId, spanId, startMs, name: text(event.toolName) ?? started?.name ?? "unknown", id: id ?? "" };
    const error = failed ? (text(event.terminalReason) ?? text(event.deniedReason) ?? text(event.errorCategory) ?? "error") : undefined;
    return [toolSpan(turn, tool, endMs, error, text(event.toolSource))];
  };

  const toolSpan = (turn: Turn | undefined, tool: ToolCall, endMs: number, error: string | undefined, source?: string): SpanRecord => ({
    traceId: tool.traceId,
    spanId: tool.spanId,
    parentSpanId: turn?.spanId,
    name: spanName.executeTool(tool.name),
    kind: SpanKind.INTERNAL,
    startMs: tool.startMs,
    endMs,
    attributes: {
      ...common(turn),
      [Attribute.operation]: Operation.executeTool,
      [Attribute.toolName]: tool.name,
      [Attribute.toolCallId]: tool.id === "" ? undefined : toolCallIds.shown(turn?.turnId ?? "", tool.id),
      [Attribute.toolType]: source === "mcp" ? "extension" : "function",
      ...content.ofTool(turn?.turnId ?? "", tool.id),
      [Attribute.errorType]: error,
    },
    error: error === undefined ? undefined : { message: error },
  });

  /** Closes what a turn left open. */
  const close = (turn: Turn, endMs: number): SpanRecord[] => {
    const calls = [...turn.calls.values()];
    for (const call of calls) forget(call);
    const tools = [...turn.tools.values()].filter((tool) => !toolCallIds.isWrapper(turn.turnId, tool.id));
    turn.tools.clear();
    return [
      ...calls.map((call) => callSpan(call, Number.isFinite(call.startMs) ? call.startMs : turn.startMs, endMs, {}, "aborted")),
      ...tools.map((tool) => toolSpan(turn, tool, endMs, "aborted")),
    ];
  };

  const closeLate = (nowMs: number): SpanRecord[] => {
    if (late.length === 0) return [];
    const due = late.filter((turn) => nowMs - (turn.endedMs ?? nowMs) > LATE_MS);
    late = late.filter((turn) => !due.includes(turn) && turn.calls.size + turn.tools.size > 0);
    return due.flatMap((turn) => close(turn, turn.endedMs ?? nowMs));
  };

  const handlers: Record<string, (event: HostObject) => SpanRecord[]> = {
    "harness.run.started": none(turnStarted),
    "harness.run.completed": (event) => turnEnded(event, false),
    "harness.run.error": (event) => turnEnded(event, true),
    // OpenClaw has one more level between a turn and its calls, which we leave out.
    "run.started": none((event) => {
      const { spanId, parentSpanId } = trace(event);
      const turn = turnsBySpan.get(parentSpanId ?? "");
      if (spanId !== undefined && turn !== undefined) turnsBySpan.set(spanId, turn);
    }),
    "model.call.started": none((event) => callStarted(event)),
    "model.call.completed": (event) => callEnded(event, false),
    "model.call.error": (event) => callEnded(event, true),
    "tool.execution.started": none(toolStarted),
    "tool.execution.completed": (event) => toolEnded(event, false),
    "tool.execution.error": (event) => toolEnded(event, true),
    "tool.execution.blocked": (event) => toolEnded(event, true),
  };

  const hooks: Record<HookName, (event: HostObject, context: HostObject) => void> = {
    model_call_started: (event, context) => callStarted({ ...event, ts: undefined }, trace(context)),
    before_tool_call(event, context) {
      const call = { runId: text(event.runId) ?? "", toolCallId: text(event.toolCallId) ?? "" };
      const sessionKey = text(context.sessionKey);
      if (sessionKey !== undefined && event.toolName === SPAWN_TOOL) sessions.spawnCallStarted(sessionKey, call);
      content.toolCalled(call.runId, call.toolCallId, event.params);
    },
    after_tool_call(event, context) {
      const call = { runId: text(event.runId) ?? "", toolCallId: text(event.toolCallId) ?? "" };
      const sessionKey = text(context.sessionKey);
      if (sessionKey !== undefined && event.toolName === SPAWN_TOOL) sessions.spawnCallEnded(sessionKey, call, spawnedKey(event.result));
      content.toolAnswered(call.runId, call.toolCallId, event.result);
    },
    subagent_spawned(event, context) {
      const child = text(event.childSessionKey);
      const requester = text(context.requesterSessionKey);
      if (child !== undefined && requester !== undefined) sessions.spawned(requester, child, text(event.label));
    },
    before_message_write(event, context) {
      const message = object(event.message);
      const call = lastCallBySession.get(text(context.sessionKey) ?? "");
      if (message.role !== "assistant" || call === undefined) return;
      const stopReason = text(message.stopReason);
      call.message = {
        [Attribute.finishReasons]: stopReason === undefined ? undefined : [stopReason],
        [Attribute.responseId]: text(message.responseId),
        [Attribute.responseModel]: text(message.responseModel),
        ...content.ofMessage(message),
      };
    },
  };

  return {
    diagnostic(raw) {
      const event = object(raw);
      const spans = handlers[text(event.type) ?? ""]?.(event) ?? [];
      const lateSpans = closeLate(number(event.ts) ?? 0);
      return lateSpans.length === 0 ? spans : [...spans, ...lateSpans];
    },
    hook: (name, event, context) => hooks[name](object(event), object(context)),
    requestStarted(spanId, scopeSpanId) {
      const call = callsBySpan.get(spanId ?? "");
      if (call !== undefined) call.routed = true;
      return call?.turn ?? turnsBySpan.get(scopeSpanId ?? "");
    },
    responseStarted(spanId, headers) {
      const call = callsBySpan.get(spanId);
      if (call !== undefined) call.response = responseAttributes(headers);
    },
    finish(nowMs) {
      const open = new Set([...turnsBySpan.values()]);
      return [...open].flatMap((turn) => {
        const spans = close(turn, turn.endedMs ?? nowMs);
        if (turn.endedMs !== undefined) return spans;
        turn.endedMs = nowMs;
        return [...spans, turnSpan(turn, nowMs, "aborted")];
      });
    },
  };
}

const toolKey = (runId: string, toolCallId: string) => `${runId}\n${toolCallId}`;

const none =
  (handle: (event: HostObject) => void) =>
  (event: HostObject): SpanRecord[] => {
    handle(event);
    return [];
  };
