/**
 * What Claude Code's hooks tell and its own spans do not: which tool call spawned which sub-agent, and which memory files were loaded,
 * read and written. Each becomes one OTLP log record for the collector (collector-processor/src/dialects/claude-code.ts reads it). Bounded; what does not
 * fit, or cannot be delivered, is dropped and counted: a hook is never kept waiting for it.
 */

import { claudeCodeMemory, type MemoryAccess } from "@signalbox/otel/memory";
import type { Log } from "../log.ts";

/** The body of a hook, as parsed. */
export type HookBody = Readonly<Record<string, unknown>>;

export interface HookFacts {
  /** Takes what a hook tells, if it tells anything; `atMs` is since the epoch. */
  note(event: string, body: HookBody, atMs: number): void;
  readonly dropped: number;
  /** Sends what is left, within the bound. */
  close(timeoutMs: number): Promise<void>;
}

export interface HookFactsOptions {
  /** Base URL of the OTLP/HTTP receiver. */
  endpoint: string;
  token: string | undefined;
  log: Log;
  /** Facts kept while the collector is away. */
  capacity?: number;
  /** Milliseconds between sends, and before one is tried again. */
  intervalMs?: number;
}

type Attributes = Record<string, string>;
interface Fact {
  event: string;
  atMs: number;
  attributes: Attributes;
}

const SCOPE = "signalbox.hooks.claude-code";
const SEND_TIMEOUT_MS = 5_000;
const MAX_TEXT = 2_048;
const MAX_DIFF = 32_768;

export function createHookFacts({ endpoint, token, log, capacity = 1_024, intervalMs = 500 }: HookFactsOptions): HookFacts {
  const url = new URL("/v1/logs", endpoint);
  const headers = { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  let waiting: Fact[] = [];
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;

  const schedule = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      sending = send().finally(() => {
        sending = undefined;
        if (waiting.length > 0) schedule();
      });
    }, intervalMs).unref();
  };

  async function send(timeoutMs = SEND_TIMEOUT_MS): Promise<void> {
    const facts = waiting;
    waiting = [];
    try {
      const response = await fetch(url, {
        method: "POST",
        headers,
        body: JSON.stringify(requestOf(facts)),
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (response.ok) return;
      if (response.status < 500 && response.status !== 429) return drop(facts.length, `it answered ${response.status}`);
    } catch {
      // Away, or too slow: tried again below.
    }
    waiting = [...facts, ...waiting];
    if (waiting.length > capacity) drop(waiting.splice(capacity).length, "it is away");
  }

  function drop(count: number, reason: string): void {
    dropped += count;
    log.warn("what hooks told is lost to the collector", { facts: count, reason });
  }

  return {
    get dropped() {
      return dropped;
    },
    note(event, body, atMs) {
      const fact = factOf(event, body);
      if (fact === undefined) return;
      if (waiting.length >= capacity) {
        dropped++;
        return;
      }
      waiting.push({ ...fact, atMs });
      schedule();
    },
    async close(timeoutMs) {
      clearTimeout(timer);
      await sending;
      if (waiting.length > 0) await send(timeoutMs);
      clearTimeout(timer);
    },
  };
}

/** Undefined where the hook tells nothing that spans do not. */
function factOf(event: string, body: HookBody): Omit<Fact, "atMs"> | undefined {
  const session = text(body.session_id);
  if (session === undefined) return undefined;
  const shared = { "session.id": session, "prompt.id": text(body.prompt_id) };
  const agent = text(body.agent_id);
  if (event === "InstructionsLoaded") {
    const path = text(body.file_path);
    const why = { memory_type: text(body.memory_type), load_reason: text(body.load_reason) };
    return path === undefined ? undefined : memoryFact({ ...shared, agent_id: agent, ...why }, { path, operation: "read" });
  }
  if (event !== "PostToolUse") return undefined;
  const toolCall = text(body.tool_use_id);
  const access = claudeCodeMemory(text(body.tool_name) ?? "", body.tool_input);
  if (access !== undefined) return memoryFact({ ...shared, agent_id: agent, tool_use_id: toolCall }, access);
  if (typeof body.tool_response !== "object" || body.tool_response === null) return undefined;
  const spawned = body.tool_response as HookBody;
  const child = text(spawned.agentId);
  if (child === undefined || toolCall === undefined) return undefined;
  const attributes = { ...shared, agent_id: child, parent_agent_id: agent, agent_type: text(spawned.agentType), tool_use_id: toolCall };
  return { event: "subagent_spawned", attributes: told(attributes) };
}

function memoryFact(shared: Record<string, string | undefined>, { path, operation, lines, diff }: MemoryAccess): Omit<Fact, "atMs"> {
  return {
    event: "memory_access",
    attributes: told({ ...shared, file_path: text(path), operation, lines, diff: diff?.slice(0, MAX_DIFF) }),
  };
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value.slice(0, MAX_TEXT) : undefined);
const told = (attributes: Record<string, string | undefined>): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined));

function requestOf(facts: readonly Fact[]) {
  const logRecords = facts.map(({ event, atMs, attributes }) => ({
    timeUnixNano: String(BigInt(Math.round(atMs * 1000)) * 1000n),
    attributes: Object.entries({ "event.name": event, ...attributes }).map(([key, value]) => ({ key, value: { stringValue: value } })),
  }));
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "signalbox-scheduler" } }] };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: SCOPE }, logRecords }] }] };
}
