import assert from "node:assert/strict";
import { costNanousd, findPrice } from "@signalbox/otel/prices";
import type { LedgerEntry } from "../../support/provider.ts";
import type { Stack } from "../stack.ts";
import { settled as settledSpans } from "../waits.ts";
import { MODEL } from "./cli.ts";

export interface StoredSpan {
  id: string;
  parent: string | null;
  agent_id: string;
  turn_id: string | null;
  name: string;
  operation: string;
  is_call: boolean;
  status: number;
  pool: string | null;
  model: string | null;
  tool_name: string | null;
  tool_call_id: string | null;
  input: number;
  cache_read: number;
  cache_write: number;
  output: number;
  /** nano-USD; null: unknown */
  cost: number | null;
  attributes: Record<string, unknown>;
}

export interface StoredAgent {
  agent_id: string;
  parent_agent_id: string | null;
  depth: number | null;
  agent_name: string | null;
  spawned_by_tool_call: string | null;
}

const header = ({ headers }: LedgerEntry, name: string) => headers[name] as string | undefined;
export const sessionOf = (entry: LedgerEntry) => header(entry, "x-claude-code-session-id");
export const agentOf = (entry: LedgerEntry) => header(entry, "x-claude-code-agent-id") ?? sessionOf(entry);

export const spansOf = (sql: Stack["sql"], session: string): Promise<StoredSpan[]> => sql<StoredSpan[]>`
  select encode(span_id, 'hex') as id, encode(parent_span_id, 'hex') as parent, agent_id, turn_id, name, operation, is_call, status, pool,
    model, tool_name, tool_call_id, coalesce(input_tokens, 0)::int as input, coalesce(cache_read_tokens, 0)::int as cache_read,
    coalesce(cache_write_tokens, 0)::int as cache_write, coalesce(output_tokens, 0)::int as output, cost_nusd::float8 as cost, attributes
  from signalbox.spans where session_id = ${session} order by start_time`;

export const agentsOf = (sql: Stack["sql"], session: string): Promise<StoredAgent[]> => sql<StoredAgent[]>`
  select agent_id, parent_agent_id, depth, agent_name, spawned_by_tool_call from signalbox.agents
  where session_id = ${session} and agent_id <> ''`;

/** Waits until a session's spans satisfy `enough`, and no more come. */
export const settled = (sql: Stack["sql"], session: string, enough: (spans: StoredSpan[]) => boolean): Promise<StoredSpan[]> =>
  settledSpans(session, () => spansOf(sql, session), enough);

const tokens = (input: number, cacheRead: number, cacheWrite: number, output: number) =>
  `in ${input}, read ${cacheRead}, written ${cacheWrite}, out ${output}`;
const bookOf = (span: StoredSpan) => `${tokens(span.input, span.cache_read, span.cache_write, span.output)}, ${span.cost} nano-USD`;

/** What the call must have cost in our books: the ledger's own charge; unknown where the model that answered has no price. */
function chargeOf({ usage, costNanousd: charged }: LedgerEntry, answeredBy: string): number | null {
  if (answeredBy === MODEL) return charged;
  const price = findPrice(answeredBy, "anthropic");
  return price === undefined ? null : (costNanousd(price, usage) ?? null);
}

const servedBook = (entry: LedgerEntry, cost: number | null) => {
  const { input, cacheRead, output } = entry.usage;
  const { cacheWrite = 0 } = entry.usage as { cacheWrite?: number };
  return `${tokens(input, cacheRead, cacheWrite, output)}, ${cost} nano-USD`;
};

/** Through the gateway: each call that the provider served is one stored call, found by the trace that the provider was told. */
export function assertRouted(spans: StoredSpan[], entries: LedgerEntry[], pool: string): void {
  const calls = new Map(spans.filter((span) => span.is_call).map((span) => [span.id, span]));
  assert.equal(calls.size, entries.length, "calls");
  for (const entry of entries) {
    const call = calls.get(String(header(entry, "traceparent")).split("-")[2] ?? "");
    assert.ok(call, `request ${entry.n} is a stored call`);
    assert.deepEqual(
      { agent: call.agent_id, turn: call.turn_id, pool: call.pool, books: bookOf(call) },
      {
        agent: agentOf(entry),
        turn: header(entry, "x-claude-code-prompt-id") ?? null,
        pool,
        books: servedBook(entry, entry.costNanousd),
      },
    );
  }
}

/** Seen by the agent alone: a call is found by the request id that the provider gave. */
export function assertObserved(spans: StoredSpan[], entries: LedgerEntry[], answeredBy: string): void {
  const calls = spans.filter((span) => span.is_call && span.status !== 2);
  assert.equal(calls.length, entries.length, "calls");
  for (const entry of entries) {
    const call = calls.find(({ attributes }) => attributes.request_id === `req_${entry.n}`);
    assert.ok(call, `request ${entry.n} is a stored call`);
    assert.deepEqual(
      { agent: call.agent_id, pool: call.pool, books: bookOf(call) },
      { agent: agentOf(entry), pool: null, books: servedBook(entry, chargeOf(entry, answeredBy)) },
    );
    assert.ok(call.turn_id, "a turn");
  }
}

/** The session's own sums say what its calls say. */
export async function assertSums(sql: Stack["sql"], session: string, spans: StoredSpan[]): Promise<void> {
  const total = spans.filter((span) => span.is_call).reduce((sum, { cost }) => sum + (cost ?? 0), 0);
  const [sums] = await sql`
    select (select cost_nusd::float8 from signalbox.sessions where session_id = ${session}) as session,
      (select sum(cost_nusd)::float8 from signalbox.agents where session_id = ${session}) as agents,
      (select coalesce(sum(cost_nusd), 0)::float8 from signalbox.session_hour where session_id = ${session}) as hours`;
  assert.deepEqual({ ...sums }, { session: total, agents: total, hours: total });
}

/** Each tool call under its turn, each sub-agent's work below the tool call that spawned it, and the agents' table says the same. */
export function assertTree(spans: StoredSpan[], agents: StoredAgent[], entries: LedgerEntry[], toolCalls: readonly string[]): void {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const ancestors = (span: StoredSpan): StoredSpan[] => {
    const above: StoredSpan[] = [];
    for (let at = byId.get(span.parent ?? ""); at; at = byId.get(at.parent ?? "")) above.push(at);
    return above;
  };
  const tools = spans.filter(({ operation }) => operation === "execute_tool");
  assert.deepEqual(tools.map(({ tool_call_id }) => tool_call_id).toSorted(), toolCalls.toSorted(), "tool calls");
  for (const tool of tools)
    assert.ok(
      ancestors(tool).some(({ operation }) => operation === "invoke_agent"),
      `${tool.tool_name} is under its turn`,
    );
  for (const entry of entries) {
    const agent = agentOf(entry);
    if (agent === sessionOf(entry)) continue;
    const row = agents.find(({ agent_id }) => agent_id === agent);
    assert.equal(row?.parent_agent_id, header(entry, "x-claude-code-parent-agent-id") ?? sessionOf(entry), `parent of ${agent}`);
    const spawner = row?.spawned_by_tool_call;
    assert.ok(spawner && toolCalls.includes(spawner), `${agent} was spawned by a tool call`);
    const own = spans.filter(({ agent_id, is_call }) => agent_id === agent && is_call);
    for (const call of own)
      assert.ok(
        ancestors(call).some(({ tool_call_id, operation }) => operation === "execute_tool" && tool_call_id === spawner),
        `${call.name} is below ${spawner}`,
      );
  }
}

interface Block {
  type?: string;
  id?: string;
}
/** Every tool call that a later request shows the result of. */
export function toolCallsOf(entries: readonly LedgerEntry[]): string[] {
  const blocks = entries.flatMap(({ body }) =>
    ((body.messages ?? []) as { role?: string; content?: unknown }[]).flatMap(({ role, content }) =>
      role === "assistant" && Array.isArray(content) ? (content as Block[]) : [],
    ),
  );
  return [...new Set(blocks.flatMap(({ type, id }) => (type === "tool_use" && id !== undefined ? [id] : [])))];
}
