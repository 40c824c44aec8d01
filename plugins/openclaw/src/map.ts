import { ResponseHeader } from "@signalbox/otel/conventions";
import type { SpanRecord } from "@signalbox/otel/provider";
import { BoundedMap } from "./bounded-map.ts";
import { createContent } from "./content.ts";
import { type HostObject, number, object, text, trace } from "./host-values.ts";
import { responseAttributes } from "./response-attributes.ts";
import { Sessions } from "./sessions.ts";
import { Calls } from "./spans/calls.ts";
import { Tools } from "./spans/tools.ts";
import type { Owner, Turn } from "./spans/turn.ts";
import { Turns } from "./spans/turns.ts";
import { spawnedKey } from "./spawn-result.ts";
import { ToolCallIds } from "./tool-call-ids.ts";

/**
 * OpenClaw's events become spans. Pure: no clock, no I/O, no ids of its own; the same events give the same spans.
 *
 *     harness.run.*      one turn of one agent      invoke_agent, under the span of the tool call that spawned the agent
 *     model.call.*       one LLM call               chat, under its turn
 *     tool.execution.*   one tool call              execute_tool, under its turn; memory, under it
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
  requestStarted(spanId: string | undefined, scopeSpanId: string | undefined): Owner | undefined;
  /** The scheduler's response headers, lower-case names. */
  responseStarted(spanId: string, headers: Readonly<Record<string, string>>): void;
  /** Calls and tools of turns that ended, which no event has closed in time. */
  overdue(nowMs: number): SpanRecord[];
  /** Spans that never ended by an event, closed as aborted at `nowMs`: at shutdown. */
  finish(nowMs: number): SpanRecord[];
  /** Whatever a stop of a session can be set on: its agent, those above it, and the root session. */
  lineage(sessionKey: string): string[];
  /** Whether an id is of a session or an agent that was seen here. */
  knows(id: string): boolean;
  /** Why the scheduler has refused a call of this run, where it is about to ask `provider`, which is not the scheduler. */
  refusedElsewhere(runId: string, provider: string): string | undefined;
  /** Runs that may still call a model or a tool. */
  running(): Run[];
}

export interface Run {
  spanId: string;
  sessionKey: string;
  /** OpenClaw's own id of the session. */
  hostSessionId: string | undefined;
}

export const HOOKS = [
  "before_agent_run",
  "model_call_started",
  "before_tool_call",
  "after_tool_call",
  "before_message_write",
  "subagent_spawned",
  "agent_end",
] as const;
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

const SPAWN_TOOL = "sessions_spawn";

export function createMapper(options: MapperOptions): Mapper {
  const sessions = new Sessions();
  const content = createContent(options.content);
  const toolCallIds = new ToolCallIds();
  const turns = new Turns(sessions, toolCallIds);
  const calls = new Calls(turns, content, options.schedulerProviders);
  const tools = new Tools(turns, content, toolCallIds);
  /** Why, by run. */
  const refused = new BoundedMap<string, string>(256);

  /** Closes what a turn left open. */
  const abandon = (turn: Turn, endMs: number) => [...calls.abandon(turn, endMs), ...tools.abandon(turn, endMs)];
  const overdue = (nowMs: number) => turns.overdue(nowMs).flatMap((turn) => abandon(turn, turn.endedMs ?? nowMs));

  const handlers: Record<string, (event: HostObject) => SpanRecord[]> = {
    "harness.run.started": none((event) => turns.started(event)),
    "harness.run.completed": (event) => turns.ended(event, false),
    "harness.run.error": (event) => turns.ended(event, true),
    "run.started": none((event) => turns.innerRunStarted(event)),
    "model.call.started": none((event) => calls.started(event)),
    "model.call.completed": (event) => calls.ended(event, false),
    "model.call.error": (event) => calls.ended(event, true),
    "tool.execution.started": none((event) => tools.started(event)),
    "tool.execution.completed": (event) => tools.ended(event, false),
    "tool.execution.error": (event) => tools.ended(event, true),
    "tool.execution.blocked": (event) => tools.ended(event, true),
  };

  const hooks: Record<HookName, (event: HostObject, context: HostObject) => void> = {
    before_agent_run(event, context) {
      turns.asked(context, content.ofPrompt(event.prompt));
      const sessionKey = text(context.sessionKey);
      const workspace = text(context.workspaceDir);
      if (sessionKey !== undefined && workspace !== undefined) tools.workspaceKnown(sessionKey, workspace);
    },
    model_call_started: (event, context) => calls.started({ ...event, ts: undefined }, trace(context)),
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
      tools.answered(event, context);
    },
    subagent_spawned(event, context) {
      const child = text(event.childSessionKey);
      const requester = text(context.requesterSessionKey);
      if (child !== undefined && requester !== undefined) sessions.spawned(requester, child, text(event.label));
    },
    agent_end: (_, context) => turns.workEnded(context),
    before_message_write: (event, context) => calls.messageWritten(event, context),
  };

  return {
    diagnostic(raw) {
      const event = object(raw);
      const spans = handlers[text(event.type) ?? ""]?.(event) ?? [];
      const late = overdue(number(event.ts) ?? 0);
      return late.length === 0 ? spans : [...spans, ...late];
    },
    hook: (name, event, context) => hooks[name](object(event), object(context)),
    requestStarted(spanId, scopeSpanId) {
      const call = calls.at(spanId);
      if (call !== undefined) call.routed = true;
      return call?.owner ?? turns.at(scopeSpanId);
    },
    responseStarted(spanId, headers) {
      const call = calls.at(spanId);
      if (call === undefined) return;
      call.response = responseAttributes(headers);
      const why = headers[ResponseHeader.refused];
      if (why !== undefined && call.owner !== undefined) refused.set(call.owner.turnId, why);
    },
    overdue,
    finish: (nowMs) =>
      turns.all().flatMap((turn) => {
        const spans = abandon(turn, turn.endedMs ?? nowMs);
        if (turn.endedMs !== undefined) return spans;
        turn.endedMs = nowMs;
        return [...spans, turns.span(turn, nowMs, "aborted")];
      }),
    lineage: (sessionKey) => sessions.lineage(sessionKey),
    knows: (id) => sessions.knows(id),
    refusedElsewhere: (runId, provider) => (options.schedulerProviders.has(provider) ? undefined : refused.get(runId)),
    running: () =>
      turns
        .all()
        .filter(({ endedMs, works }) => works && endedMs === undefined)
        .map(({ spanId, identity, hostSessionId }) => ({ spanId, sessionKey: identity.sessionKey, hostSessionId })),
  };
}

const none =
  (handle: (event: HostObject) => void) =>
  (event: HostObject): SpanRecord[] => {
    handle(event);
    return [];
  };
