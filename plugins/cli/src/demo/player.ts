import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "@signalbox/local";
import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";
import { type IsolatedProvider, SpanKind, type SpanRecord } from "@signalbox/otel/provider";
import { formatTraceparent } from "@signalbox/otel/trace-context";
import { callModel, type ModelReply } from "./model-call.ts";
import type { Plan, PlannedStep, PlannedTurn } from "./plan.ts";

/** Of the agents' calls: who answers is on the scheduler's spans. */
const PROVIDER = "signalbox";
const FAILED = "model_call_failed";

export interface PlayOptions {
  schedulerUrl: string;
  model: string;
  key?: string;
  /** the agents' own spans go here */
  provider: Pick<IsolatedProvider, "emit">;
  /** model calls at once; further ones wait */
  concurrency: number;
  signal: AbortSignal;
  onProgress?: (result: PlayResult) => void;
}

export interface PlayResult {
  calls: number;
  failed: number;
  /** the first failure, in words */
  firstFailure: string | undefined;
  tools: number;
  subAgents: number;
  turns: number;
}

interface Place {
  traceId: string;
  parentSpanId?: string;
  spawnedBy?: string;
}

/** Plays a plan against the running scheduler, each turn at its time. Resolves when all have ended, or `signal` aborted them. */
export async function playFleet(plan: Plan, options: PlayOptions): Promise<PlayResult> {
  const { provider, signal } = options;
  const result: PlayResult = { calls: 0, failed: 0, firstFailure: undefined, tools: 0, subAgents: 0, turns: 0 };
  const slots = createSlots(options.concurrency);
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {});

  const playTurn = async (turn: PlannedTurn, place: Place): Promise<void> => {
    await pause(turn.atMs);
    if (signal.aborted) return;
    const spanId = randomBytes(8).toString("hex");
    const turnId = randomUUID();
    const startMs = nowMs();
    const children: Promise<void>[] = [];
    let failure: string | undefined;
    for (const step of turn.steps) {
      if (signal.aborted) break;
      failure = await playStep(step, turn, turnId, { traceId: place.traceId, parentSpanId: spanId }, children);
      if (failure !== undefined) break;
    }
    provider.emit({
      traceId: place.traceId,
      spanId,
      ...(place.parentSpanId === undefined ? {} : { parentSpanId: place.parentSpanId }),
      name: spanName.invokeAgent(turn.agent.name),
      kind: SpanKind.INTERNAL,
      startMs,
      endMs: nowMs(),
      attributes: {
        ...whoIs(turn, turnId),
        [Attribute.operation]: Operation.invokeAgent,
        [Attribute.provider]: PROVIDER,
        [Attribute.spawnedByToolCall]: place.spawnedBy,
        [Attribute.errorType]: failure === undefined ? undefined : FAILED,
      },
      ...(failure === undefined ? {} : { error: { message: failure } }),
    });
    result.turns++;
    options.onProgress?.(result);
    await Promise.all(children);
  };

  /** @returns why it failed */
  const playStep = async (
    step: PlannedStep,
    turn: PlannedTurn,
    turnId: string,
    place: Place,
    children: Promise<void>[],
  ): Promise<string | undefined> => {
    if (step.kind === "chat") return playChat(step, turn, turnId, place);
    const spanId = randomBytes(8).toString("hex");
    const startMs = nowMs();
    const tool = step.kind === "spawn" ? "sessions_spawn" : step.name;
    if (step.kind === "tool") await pause(step.durationMs);
    else {
      result.subAgents++;
      children.push(playTurn(step.turn, { traceId: place.traceId, parentSpanId: spanId, spawnedBy: step.callId }));
    }
    result.tools++;
    const endMs = nowMs();
    provider.emit({
      traceId: place.traceId,
      spanId,
      ...(place.parentSpanId === undefined ? {} : { parentSpanId: place.parentSpanId }),
      name: spanName.executeTool(tool),
      kind: SpanKind.INTERNAL,
      startMs,
      endMs,
      attributes: {
        ...whoIs(turn, turnId),
        [Attribute.operation]: Operation.executeTool,
        [Attribute.toolName]: tool,
        [Attribute.toolCallId]: step.callId,
      },
    });
    if (step.kind === "tool" && step.memory) {
      const { path, operation, diff } = step.memory;
      provider.emit({
        traceId: place.traceId,
        spanId: randomBytes(8).toString("hex"),
        parentSpanId: spanId,
        name: spanName.memory(operation),
        kind: SpanKind.INTERNAL,
        startMs,
        endMs,
        attributes: {
          ...whoIs(turn, turnId),
          [Attribute.operation]: Operation.memory,
          [Attribute.memoryPath]: path,
          [Attribute.memoryOperation]: operation,
          [Attribute.inputMessages]: diff,
        },
      });
    }
    return undefined;
  };

  const playChat = async (step: Extract<PlannedStep, { kind: "chat" }>, turn: PlannedTurn, turnId: string, place: Place) => {
    const free = await slots.take();
    const spanId = randomBytes(8).toString("hex");
    const startMs = nowMs();
    let reply: ModelReply | undefined;
    let failure: string | undefined;
    try {
      const { schedulerUrl, model, key } = options;
      const traceparent = formatTraceparent({ traceId: place.traceId, spanId, sampled: true });
      reply = await callModel({ schedulerUrl, model, ...(key === undefined ? {} : { key }), ...step, turn, turnId, traceparent, signal });
    } catch (error) {
      failure = signal.aborted ? "the demo was ended" : failureOf(error);
    } finally {
      free();
    }
    result.calls++;
    if (failure !== undefined) {
      result.failed++;
      result.firstFailure ??= failure;
    }
    provider.emit(chatSpan({ place, spanId, startMs, turn, turnId, model: options.model, step, reply, failure }));
    options.onProgress?.(result);
    return failure;
  };

  await Promise.all(plan.turns.map((turn) => playTurn(turn, { traceId: randomBytes(16).toString("hex") })));
  return result;
}

interface ChatSpan {
  place: Place;
  spanId: string;
  startMs: number;
  turn: PlannedTurn;
  turnId: string;
  model: string;
  step: { prompt: string; maxTokens: number };
  reply: ModelReply | undefined;
  failure: string | undefined;
}

/** The call as the agent saw it: routed, so the scheduler's attempt span carries its cost and this one none. */
function chatSpan({ place, spanId, startMs, turn, turnId, model, step, reply, failure }: ChatSpan): SpanRecord {
  return {
    traceId: place.traceId,
    spanId,
    ...(place.parentSpanId === undefined ? {} : { parentSpanId: place.parentSpanId }),
    name: spanName.chat(model),
    kind: SpanKind.CLIENT,
    startMs,
    endMs: nowMs(),
    attributes: {
      ...whoIs(turn, turnId),
      [Attribute.operation]: Operation.chat,
      [Attribute.provider]: PROVIDER,
      [Attribute.routed]: true,
      [Attribute.requestModel]: model,
      [Attribute.requestMaxTokens]: step.maxTokens,
      [Attribute.requestStream]: turn.sla === "interactive",
      [Attribute.slaClass]: turn.sla,
      [Attribute.responseModel]: reply?.model,
      [Attribute.responseId]: reply?.id,
      [Attribute.finishReasons]: reply?.finishReason === undefined ? undefined : [reply.finishReason],
      [Attribute.inputTokens]: reply?.inputTokens,
      [Attribute.outputTokens]: reply?.outputTokens,
      [Attribute.timeToFirstChunk]: reply?.timeToFirstChunk,
      [Attribute.route]: reply?.route,
      [Attribute.pool]: reply?.pool,
      [Attribute.silicon]: reply?.silicon,
      [Attribute.tier]: reply?.tier,
      [Attribute.decisionId]: reply?.decisionId,
      [Attribute.inputMessages]: JSON.stringify([{ role: "user", parts: [{ type: "text", content: step.prompt }] }]),
      [Attribute.outputMessages]:
        reply && JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: reply.text }], finish_reason: reply.finishReason }]),
      [Attribute.errorType]: failure === undefined ? undefined : FAILED,
    },
    ...(failure === undefined ? {} : { error: { message: failure } }),
  };
}

function whoIs({ agent, task }: PlannedTurn, turnId: string): SpanRecord["attributes"] {
  return {
    [Attribute.sessionId]: agent.sessionId,
    [Attribute.conversationId]: agent.sessionId,
    [Attribute.signalboxAgentId]: agent.agentId,
    [Attribute.parentAgentId]: agent.parentAgentId,
    [Attribute.agentDepth]: agent.depth,
    [Attribute.agentName]: agent.name,
    [Attribute.agentKind]: "openclaw",
    [Attribute.turnId]: turnId,
    [Attribute.channel]: agent.channel,
    [Attribute.userId]: agent.user,
    [Attribute.task]: task,
  };
}

/** Milliseconds since the epoch with their fraction: turns are short, and Date.now() would order their spans by chance. */
const nowMs = () => performance.timeOrigin + performance.now();

const failureOf = (error: unknown) => messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);

/** Hands out a fixed number of slots; a taker waits for a free one. */
function createSlots(count: number) {
  let free = count;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return {
    /** @returns gives the slot back */
    async take(): Promise<() => void> {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return release;
    },
  };
}
