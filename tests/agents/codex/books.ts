import assert from "node:assert/strict";
import type { LedgerEntry } from "../../support/provider.ts";
import type { Stack } from "../stack.ts";
import { settled as settledSpans } from "../waits.ts";

export interface StoredSpan {
  id: string;
  parent: string | null;
  trace: string;
  session_id: string;
  agent_id: string;
  turn_id: string | null;
  name: string;
  operation: string;
  is_call: boolean;
  pool: string | null;
  model: string | null;
  request_model: string | null;
  tool_name: string | null;
  tool_call_id: string | null;
  status: number;
  input: string | null;
  cache_read: string | null;
  cache_write: string | null;
  output: string | null;
  reasoning: string | null;
  cost: string | null;
  cost_source: string | null;
}

/** Every span of a root session: under its own name, and under what the aliases say is part of it, at any depth. */
export const spansOfSession = (sql: Stack["sql"], root: string): Promise<StoredSpan[]> => sql<StoredSpan[]>`
  with recursive part (id) as (
    select ${root}::text union select a.alias from signalbox.session_aliases a join part on a.session_id = part.id
  )
  select encode(span_id, 'hex') as id, encode(parent_span_id, 'hex') as parent, encode(trace_id, 'hex') as trace, session_id, agent_id,
    turn_id, name, operation, is_call, pool, model, request_model, tool_name, tool_call_id, status, input_tokens as input,
    cache_read_tokens as cache_read, cache_write_tokens as cache_write, output_tokens as output, reasoning_tokens as reasoning,
    cost_nusd as cost, cost_source
  from signalbox.spans where session_id in (select id from part) order by start_time`;

/** Calls of one session that the provider was asked, by Codex's own headers. */
export const askedOf = (ledger: LedgerEntry[], root: string): LedgerEntry[] =>
  ledger.filter((entry) => entry.headers["session-id"] === root);

export const agentOf = ({ headers }: LedgerEntry): string => String(headers["thread-id"]);
export const turnOf = ({ headers }: LedgerEntry): string =>
  String((JSON.parse(String(headers["x-codex-turn-metadata"] ?? "{}")) as { turn_id?: string }).turn_id);

/** Names of the tools that were called, by what Codex told the provider of them; a call is told again in every later request. */
export function toolsOf(asked: LedgerEntry[]): string[] {
  const items = asked.flatMap(({ body }) => body.input as { type?: string; call_id?: string; name?: string }[]);
  return [...new Map(items.flatMap((item) => (item.type === "function_call" ? [[item.call_id, item.name ?? ""] as const] : []))).values()];
}

/** Waits until a session's spans are as many as told, and no more come. */
export const settled = (sql: Stack["sql"], root: string, enough: (spans: StoredSpan[]) => boolean): Promise<StoredSpan[]> =>
  settledSpans(root, () => spansOfSession(sql, root), enough);

/**
 * Tokens by kind and cost of each call are the ledger's, one by one, each on its agent, turn and pool.
 * @param optional calls of the ledger that may be missing in the books
 */
export function assertBooks(spans: StoredSpan[], asked: LedgerEntry[], pool: string | null, optional: LedgerEntry[] = []): void {
  const calls = spans.filter((span) => span.is_call);
  const key = (...parts: unknown[]) => parts.map((part) => part ?? 0).join(" · ");
  const where = pool !== null;
  const stored = calls.map((call) =>
    key(
      call.agent_id,
      where ? call.turn_id : "",
      call.pool,
      call.input,
      call.cache_read,
      call.cache_write,
      call.output,
      call.reasoning,
      call.cost,
    ),
  );
  const keyOf = (entry: LedgerEntry) => {
    const { input, cacheRead, cacheWrite, output, reasoning } = entry.usage;
    return key(agentOf(entry), where ? turnOf(entry) : "", pool, input, cacheRead, cacheWrite, output, reasoning, entry.costNanousd);
  };
  const certain = asked.filter((entry) => !optional.includes(entry)).map(keyOf);
  const left = [...stored];
  for (const one of certain) {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
  }
  const seen = optional.map(keyOf).filter((one) => left.includes(one));
  assert.deepEqual(stored.toSorted(), [...certain, ...seen].toSorted());
}

/** What is left of some names once others are taken out, each as often as it is there. */
function less(names: readonly string[], others: readonly string[]): string[] {
  const left = [...names];
  for (const other of others) if (left.includes(other)) left.splice(left.indexOf(other), 1);
  return left;
}

/**
 * Every tool call stands under a turn of its own agent, and a sub-agent's beginning and turn under the tool call that spawned it.
 * @param expected.perhaps tools that an agent may have begun before its root's end cut it off
 */
export function assertTree(spans: StoredSpan[], expected: { tools: string[]; perhaps: string[]; subAgents: number }): void {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const above = (span: StoredSpan, operation: string): StoredSpan | undefined => {
    for (let at = byId.get(span.parent ?? ""); at; at = byId.get(at.parent ?? "")) if (at.operation === operation) return at;
    return undefined;
  };
  const isCutOff = (span: StoredSpan): boolean => {
    const parent = byId.get(span.parent ?? "");
    return parent === undefined ? span.parent !== null : isCutOff(parent);
  };
  const chain = (span: StoredSpan): string => {
    const names: string[] = [];
    for (let at: StoredSpan | undefined = span; at; at = byId.get(at.parent ?? "")) names.push(at.name);
    return names.join(" < ");
  };
  const tools = spans.filter((span) => span.operation === "execute_tool");
  const names = tools.map((tool) => tool.tool_name?.replace(/^(collaboration|multi_agent_v1)/, "") ?? "");
  const more = less(names, expected.tools);
  assert.deepEqual(names.toSorted(), [...expected.tools, ...more].toSorted());
  assert.deepEqual(less(more, expected.perhaps), [], "tools that no answer called");
  for (const tool of tools) {
    const turn = above(tool, "invoke_agent");
    assert.deepEqual([turn?.agent_id, turn?.turn_id], [tool.agent_id, tool.turn_id], `turn above ${tool.tool_name}: ${chain(tool)}`);
  }
  const isSpawned = (span: StoredSpan) => above(span, "execute_tool")?.tool_name?.endsWith("spawn_agent") === true;
  const created = new Set(spans.filter((span) => span.operation === "create_agent" && isSpawned(span)).map((span) => span.agent_id));
  assert.equal(created.size, expected.subAgents, "agents created below a spawn_agent");
  const turns = spans.filter((span) => span.operation === "invoke_agent" && created.has(span.agent_id));
  assert.deepEqual(new Set(turns.map((turn) => turn.agent_id)), created, "each has a turn");
  for (const turn of turns) {
    // Codex may exit before what is around a turn has ended: what it never sent is nowhere
    assert.ok(isSpawned(turn) || isCutOff(turn), `turn below a spawn_agent: ${chain(turn)}`);
  }
}

/** A scheduler's decision hangs below the turn of the agent that asked for it, in one trace. */
export function assertJoined(spans: StoredSpan[]): void {
  const byId = new Map(spans.map((span) => [span.id, span]));
  for (const call of spans.filter((span) => span.is_call)) {
    const decision = byId.get(call.parent ?? "");
    assert.equal(decision?.operation, "schedule", `parent of ${call.name}`);
    let at = byId.get(decision?.parent ?? "");
    while (at && at.operation !== "invoke_agent") at = byId.get(at.parent ?? "");
    assert.deepEqual([at?.agent_id, at?.turn_id], [call.agent_id, call.turn_id], "the turn above the decision");
  }
}

/** The sums of a root session, with all that is part of it, are what the provider charged. */
export async function assertSums(sql: Stack["sql"], root: string, asked: LedgerEntry[]): Promise<void> {
  const charged = asked.reduce((sum, { costNanousd }) => sum + costNanousd, 0);
  const [sums] = await sql`
    with recursive part (id) as (
      select ${root}::text union select a.alias from signalbox.session_aliases a join part on a.session_id = part.id
    )
    select (select sum(cost_nusd) from signalbox.sessions where session_id in (select id from part))::text as sessions,
      (select sum(cost_nusd) from signalbox.agents where session_id in (select id from part))::text as agents,
      (select sum(cost_nusd) from signalbox.session_hour where session_id in (select id from part))::text as hours`;
  assert.deepEqual({ ...sums }, { sessions: `${charged}`, agents: `${charged}`, hours: `${charged}` });
}
