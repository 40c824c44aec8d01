import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";
import { SpanKind, type SpanRecord } from "@signalbox/otel/provider";
import { BoundedMap } from "../bounded-map.ts";
import type { Content } from "../content.ts";
import { type HostObject, number, object, text, trace } from "../host-values.ts";
import { measures } from "../measures.ts";
import { type Call, failure, type Turn } from "./turn.ts";
import type { Turns } from "./turns.ts";

/** `model.call.*`: one LLM call, a `chat` span under its turn. */
export class Calls {
  readonly #turns: Turns;
  readonly #content: Content;
  readonly #schedulerProviders: ReadonlySet<string>;
  readonly #bySpan = new BoundedMap<string, Call>(4_096);
  readonly #lastBySession = new BoundedMap<string, Call>(1_024);

  constructor(turns: Turns, content: Content, schedulerProviders: ReadonlySet<string>) {
    this.#turns = turns;
    this.#content = content;
    this.#schedulerProviders = schedulerProviders;
  }

  /** From the event, or from the hook, which comes first and has no time of its own; its ids are in its context. */
  started(event: HostObject, ids = trace(event)): void {
    const startMs = number(event.ts);
    if (ids.traceId === undefined || ids.spanId === undefined) return;
    const known = this.#bySpan.get(ids.spanId);
    if (known !== undefined) {
      if (startMs !== undefined) known.startMs = startMs;
      return;
    }
    const turn = this.#turns.of({ ...event, trace: ids });
    const owner = turn ?? this.#turns.ownerOutside(event);
    const provider = text(event.provider) ?? "unknown";
    const call: Call = {
      turn,
      owner,
      traceId: ids.traceId,
      spanId: ids.spanId,
      startMs: startMs ?? Number.NaN,
      provider,
      model: text(event.model) ?? "unknown",
      routed: this.#schedulerProviders.has(provider),
      response: {},
      message: {},
      sessionKey: text(event.sessionKey),
    };
    this.#bySpan.set(call.spanId, call);
    turn?.calls.set(call.spanId, call);
    if (turn !== undefined) turn.provider ??= provider;
    if (call.sessionKey !== undefined) this.#lastBySession.set(call.sessionKey, call);
  }

  ended(event: HostObject, failed: boolean): SpanRecord[] {
    this.started(event);
    const call = this.at(trace(event).spanId);
    const endMs = number(event.ts);
    if (call === undefined || endMs === undefined) return [];
    this.#forget(call);
    const startMs = Number.isFinite(call.startMs) ? Math.min(call.startMs, endMs) : endMs - (number(event.durationMs) ?? 0);
    const error = failed ? (text(event.failureKind) ?? text(event.errorCategory) ?? "error") : undefined;
    return [this.#span(call, startMs, endMs, measures(event, call.routed), error)];
  }

  /** A message is about to be kept: an assistant's is the answer of its session's last call. */
  messageWritten(event: HostObject, context: HostObject): void {
    const message = object(event.message);
    const call = this.#lastBySession.get(text(context.sessionKey) ?? "");
    if (message.role !== "assistant" || call === undefined) return;
    const stopReason = text(message.stopReason);
    call.message = {
      [Attribute.finishReasons]: stopReason === undefined ? undefined : [stopReason],
      [Attribute.responseId]: text(message.responseId),
      [Attribute.responseModel]: text(message.responseModel),
      ...this.#content.ofMessage(message),
    };
  }

  at(spanId: string | undefined): Call | undefined {
    return spanId === undefined ? undefined : this.#bySpan.get(spanId);
  }

  /** Closes what a turn left open. */
  abandon(turn: Turn, endMs: number): SpanRecord[] {
    const open = [...turn.calls.values()];
    for (const call of open) this.#forget(call);
    return open.map((call) => this.#span(call, Number.isFinite(call.startMs) ? call.startMs : turn.startMs, endMs, {}, "aborted"));
  }

  #forget(call: Call): void {
    this.#bySpan.delete(call.spanId);
    call.turn?.calls.delete(call.spanId);
    // Its answer, if it had one, was written before: hooks come at once. What was said is not kept for longer.
    if (this.#lastBySession.get(call.sessionKey ?? "") === call) this.#lastBySession.delete(call.sessionKey ?? "");
  }

  #span(call: Call, startMs: number, endMs: number, measured: SpanRecord["attributes"], error: string | undefined): SpanRecord {
    return {
      traceId: call.traceId,
      spanId: call.spanId,
      parentSpanId: call.turn?.spanId,
      name: spanName.chat(call.model),
      kind: SpanKind.CLIENT,
      startMs,
      endMs,
      attributes: {
        ...this.#turns.attributes(call.owner),
        [Attribute.operation]: Operation.chat,
        [Attribute.provider]: call.provider,
        [Attribute.requestModel]: call.model,
        [Attribute.routed]: call.routed ? true : undefined,
        ...measured,
        ...call.message,
        ...call.response,
        [Attribute.errorType]: error,
      },
      error: failure(error),
    };
  }
}
