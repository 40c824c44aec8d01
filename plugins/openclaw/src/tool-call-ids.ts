import { BoundedMap } from "./bounded-map.ts";

/**
 * Tool Search calls a tool inside a call of its own: the model's `call_3` of `tool_call`, and within it
 * `tool_search_code:call_3:sessions_spawn:1`. Both are announced as tool calls; only the inner one is one, under the outer's id,
 * which is the id that the model knows.
 */
const INNER = /^tool_search_code:(.+):[^:]+:\d+$/;

/** Ids of tool calls, and the spans they have. */
export class ToolCallIds {
  /** The first inner call of each wrapper, by run and wrapper. */
  readonly #firstInner = new BoundedMap<string, string>(4_096);
  readonly #spans = new BoundedMap<string, { traceId: string; spanId: string }>(2_048);

  /** A tool call has begun. */
  seen(runId: string, id: string, span: { traceId: string; spanId: string }): void {
    this.#spans.set(`${runId}\n${id}`, span);
    const outer = INNER.exec(id)?.[1];
    if (outer === undefined) return;
    const key = `${runId}\n${outer}`;
    if (!this.#firstInner.has(key)) this.#firstInner.set(key, id);
  }

  spanOf(runId: string, id: string): { traceId: string; spanId: string } | undefined {
    return this.#spans.get(`${runId}\n${id}`);
  }

  /** Whether a call was only the wrapper of another. */
  isWrapper(runId: string, id: string): boolean {
    return this.#firstInner.has(`${runId}\n${id}`);
  }

  /** The id a span shows: the wrapper's for its first inner call, so that ids stay unique where code made several. */
  shown(runId: string, id: string): string {
    const outer = INNER.exec(id)?.[1];
    if (outer === undefined) return id;
    const first = this.#firstInner.get(`${runId}\n${outer}`);
    return first === undefined || first === id ? outer : id;
  }
}
