import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { Attribute, Operation, spanName } from "@signalbox/otel/conventions";
import { SpanKind, type SpanRecord } from "@signalbox/otel/provider";
import { BoundedMap } from "../bounded-map.ts";
import type { Content } from "../content.ts";
import { type HostObject, number, text, trace } from "../host-values.ts";
import { type MemoryAccess, memoryAccesses } from "../memory.ts";
import type { ToolCallIds } from "../tool-call-ids.ts";
import { failure, type ToolCall, type Turn } from "./turn.ts";
import type { Turns } from "./turns.ts";

/** `tool.execution.*`: one tool call, an `execute_tool` span under its turn; below it a `memory` span for each memory file it read or wrote. */
export class Tools {
  readonly #turns: Turns;
  readonly #content: Content;
  readonly #ids: ToolCallIds;
  /** Small: they wait here only from a call's hook to its event. */
  readonly #memory = new BoundedMap<string, MemoryAccess[]>(256);
  /** By session key. */
  readonly #workspaces = new BoundedMap<string, string>(1_024);

  constructor(turns: Turns, content: Content, ids: ToolCallIds) {
    this.#turns = turns;
    this.#content = content;
    this.#ids = ids;
  }

  /** Relative paths of a session's tools are of this folder. */
  workspaceKnown(sessionKey: string, folder: string): void {
    this.#workspaces.set(sessionKey, folder);
  }

  /** The hook after a call, with what it was asked and what it answered. */
  answered(event: HostObject, context: HostObject): void {
    if (event.error !== undefined) return;
    const workspace = this.#workspaces.get(text(context.sessionKey) ?? "");
    const accesses = memoryAccesses(text(event.toolName) ?? "", event.params, event.result);
    if (accesses.length === 0) return;
    const key = `${text(event.runId)}\n${text(event.toolCallId)}`;
    this.#memory.set(
      key,
      accesses.map((access) => (workspace === undefined ? access : { ...access, path: resolve(workspace, access.path) })),
    );
  }

  started(event: HostObject): void {
    const { traceId, spanId } = trace(event);
    const runId = text(event.runId) ?? "";
    const id = text(event.toolCallId);
    const startMs = number(event.sourceTimestampMs) ?? number(event.ts);
    if (traceId === undefined || spanId === undefined || id === undefined || startMs === undefined) return;
    this.#ids.seen(runId, id, { traceId, spanId });
    this.#turns.of(event)?.tools.set(spanId, { traceId, spanId, startMs, name: text(event.toolName) ?? "unknown", id });
  }

  ended(event: HostObject, failed: boolean): SpanRecord[] {
    const { spanId, traceId } = trace(event);
    const id = text(event.toolCallId);
    const endMs = number(event.ts);
    if (spanId === undefined || traceId === undefined || endMs === undefined) return [];
    const turn = this.#turns.of(event);
    const started = turn?.tools.get(spanId);
    turn?.tools.delete(spanId);
    const runId = text(event.runId) ?? "";
    // The wrapper of a tool found by Tool Search: the call inside it is the tool call.
    if (id !== undefined && this.#ids.isWrapper(runId, id)) return [];
    const startMs = started?.startMs ?? endMs - (number(event.durationMs) ?? 0);
    const tool: ToolCall = { traceId, spanId, startMs, name: text(event.toolName) ?? started?.name ?? "unknown", id: id ?? "" };
    const error = failed ? (text(event.terminalReason) ?? text(event.deniedReason) ?? text(event.errorCategory) ?? "error") : undefined;
    const span = this.#span(turn, tool, endMs, error, text(event.toolSource));
    const key = `${runId}\n${id}`;
    const accesses = failed ? [] : (this.#memory.get(key) ?? []);
    this.#memory.delete(key);
    return [span, ...accesses.map((access, index) => this.#memorySpan(turn, span, access, index))];
  }

  /** Closes what a turn left open. */
  abandon(turn: Turn, endMs: number): SpanRecord[] {
    const open = [...turn.tools.values()].filter((tool) => !this.#ids.isWrapper(turn.turnId, tool.id));
    turn.tools.clear();
    return open.map((tool) => this.#span(turn, tool, endMs, "aborted"));
  }

  #span(turn: Turn | undefined, tool: ToolCall, endMs: number, error: string | undefined, source?: string): SpanRecord {
    return {
      traceId: tool.traceId,
      spanId: tool.spanId,
      parentSpanId: turn?.spanId,
      name: spanName.executeTool(tool.name),
      kind: SpanKind.INTERNAL,
      startMs: tool.startMs,
      endMs,
      attributes: {
        ...this.#turns.attributes(turn),
        [Attribute.operation]: Operation.executeTool,
        [Attribute.toolName]: tool.name,
        [Attribute.toolCallId]: tool.id === "" ? undefined : this.#ids.shown(turn?.turnId ?? "", tool.id),
        [Attribute.toolType]: source === "mcp" ? "extension" : "function",
        ...this.#content.ofTool(turn?.turnId ?? "", tool.id),
        [Attribute.errorType]: error,
      },
      error: failure(error),
    };
  }

  #memorySpan(turn: Turn | undefined, tool: SpanRecord, access: MemoryAccess, index: number): SpanRecord {
    return {
      ...tool,
      // OpenClaw has no span of it, and the same events must give the same spans.
      spanId: createHash("sha256").update(`${tool.traceId} ${tool.spanId} memory ${index}`).digest("hex").slice(0, 16),
      parentSpanId: tool.spanId,
      name: spanName.memory(access.operation),
      attributes: {
        ...this.#turns.attributes(turn),
        [Attribute.operation]: Operation.memory,
        [Attribute.memoryPath]: access.path,
        [Attribute.memoryOperation]: access.operation,
        [Attribute.memoryLines]: access.lines,
        ...this.#content.ofDiff(access.diff),
      },
    };
  }
}
