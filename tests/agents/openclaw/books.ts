import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { LedgerEntry } from "../../support/provider.ts";
import type { Stack } from "../stack.ts";
import { MAIN, progressOf, type Scenario } from "./scenarios.ts";

export interface StoredSpan {
  id: string;
  parent: string | null;
  session_id: string;
  agent_id: string;
  agent_name: string | null;
  turn_id: string | null;
  name: string;
  operation: string;
  is_call: boolean;
  status: number;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  model: string | null;
  channel: string | null;
  task: string | null;
  tool_name: string | null;
  tool_call_id: string | null;
  input: number;
  cache_read: number;
  output: number;
  /** nano-USD; null: unknown */
  cost: number | null;
  cost_source: string | null;
  attempt: number | null;
  attributes: Record<string, unknown>;
}

/** The spans of the traces that OpenClaw told the provider of, with the name that the agent's own row has. */
export async function spansOf(sql: Stack["sql"], entries: readonly LedgerEntry[]): Promise<StoredSpan[]> {
  const traces = [...new Set(entries.map((entry) => traceparent(entry)[1] ?? ""))];
  return sql<StoredSpan[]>`
    select encode(s.span_id, 'hex') as id, encode(s.parent_span_id, 'hex') as parent, s.session_id, s.agent_id, a.agent_name, s.turn_id, s.name,
      s.operation, s.is_call, s.status, s.route, s.pool, s.silicon, s.model, s.channel, s.task, s.tool_name, s.tool_call_id,
      coalesce(s.input_tokens, 0)::int as input, coalesce(s.cache_read_tokens, 0)::int as cache_read,
      coalesce(s.output_tokens, 0)::int as output, s.cost_nusd::float8 as cost, s.cost_source, s.attempt, s.attributes
    from signalbox.spans s left join signalbox.agents a using (session_id, agent_id)
    where encode(s.trace_id, 'hex') = any(${traces}) order by s.start_time`;
}

const traceparent = ({ headers }: LedgerEntry) => String(headers.traceparent).split("-");

/** Waits until the spans satisfy `enough` and no more come for a second. */
export async function settled(
  sql: Stack["sql"],
  entries: () => readonly LedgerEntry[],
  enough: (spans: StoredSpan[]) => boolean,
): Promise<StoredSpan[]> {
  const deadline = Date.now() + 20_000;
  for (let last = -1; ; await sleep(700)) {
    const spans = await spansOf(sql, entries());
    if (enough(spans) && spans.length === last) return spans;
    if (Date.now() > deadline) {
      const missing = `${spans.filter((span) => span.is_call).length} of ${entries().length} calls among ${spans
        .slice(0, 40)
        .map(({ name }) => name)
        .join(", ")}`;
      throw new Error(`not complete after 20 s: ${missing}`);
    }
    last = spans.length;
  }
}

const tokens = (input: number, cacheRead: number, output: number) => `in ${input}, read ${cacheRead}, out ${output}`;
export const bookOf = (span: StoredSpan) => `${tokens(span.input, span.cache_read, span.output)}, ${span.cost} nano-USD`;
export const servedBook = ({ usage, costNanousd }: LedgerEntry) =>
  `${tokens(usage.input, usage.cacheRead, usage.output)}, ${costNanousd} nano-USD`;

const ESTIMATED_WITHIN = 0.05;

/** Whose request it is, by what it says: the task that it is at. */
function agentOf(entry: LedgerEntry, turns: readonly string[]): string {
  const { name } = progressOf(entry);
  return name === undefined || turns.includes(name) ? MAIN : name;
}

/** Each call that the provider served is one stored call, found by the span that the provider was told; `agents` false: nobody says whose. */
export function assertCalls(
  spans: StoredSpan[],
  entries: readonly LedgerEntry[],
  { turns: asked }: Pick<Scenario, "turns">,
  { pool, agents = true }: { pool: string | null; agents?: boolean },
): void {
  const calls = new Map(spans.filter((span) => span.is_call && !(span.status === 2 && span.output === 0)).map((span) => [span.id, span]));
  assert.equal(calls.size, entries.length, "calls");
  const turns = new Set(spans.filter(({ operation }) => operation === "invoke_agent").map((span) => `${span.turn_id} ${span.agent_id}`));
  for (const entry of entries) {
    const call = calls.get(traceparent(entry)[2] ?? "");
    assert.ok(call, `request ${entry.n} is a stored call`);
    assert.equal(call.pool, pool);
    if (entry.complete) assert.equal(bookOf(call), servedBook(entry));
    else assertCutOff(call, entry);
    if (!agents) continue;
    assert.equal(call.agent_name ?? MAIN, agentOf(entry, asked), `agent of request ${entry.n}`);
    // A summary that an operator asks for is made in no turn.
    const isSummary = !Array.isArray(entry.body.tools);
    assert.ok(isSummary || turns.has(`${call.turn_id} ${call.agent_id}`), `request ${entry.n} is of a turn of its agent`);
  }
}

/** Of a call that was cut off the engine tells no usage: what came through was counted, and the prompt is estimated and said to be. */
function assertCutOff(call: StoredSpan, { usage, costNanousd }: LedgerEntry): void {
  assert.deepEqual([call.output, call.cost_source], [usage.output, "estimated"]);
  const near = (value: number, served: number) => Math.abs(value / served - 1) < ESTIMATED_WITHIN;
  assert.ok(near(call.input, usage.input) && near(call.cost ?? 0, costNanousd), `${bookOf(call)} for ${usage.input} tokens of prompt`);
}

/** The session's own sums say what its calls say. */
export async function assertSums(sql: Stack["sql"], spans: StoredSpan[]): Promise<void> {
  const sessions = [...new Set(spans.map(({ session_id }) => session_id))];
  const total = spans.filter((span) => span.is_call).reduce((sum, { cost }) => sum + (cost ?? 0), 0);
  const [sums] = await sql`
    select (select sum(cost_nusd)::float8 from signalbox.sessions where session_id = any(${sessions})) as session,
      (select sum(cost_nusd)::float8 from signalbox.agents where session_id = any(${sessions})) as agents,
      (select coalesce(sum(cost_nusd), 0)::float8 from signalbox.session_hour where session_id = any(${sessions})) as hours`;
  assert.deepEqual({ ...sums }, { session: total, agents: total, hours: total });
}

/** One session; each tool call under its own turn; each sub-agent's turn below the call that spawned it. */
export async function assertTree(sql: Stack["sql"], spans: StoredSpan[], entries: readonly LedgerEntry[]): Promise<void> {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const sessions = new Set(spans.map(({ session_id }) => session_id));
  assert.equal(sessions.size, 1, "one session");
  const tools = spans.filter(({ operation }) => operation === "execute_tool");
  assert.deepEqual(tools.map(({ tool_call_id }) => plainId(tool_call_id ?? "")).toSorted(), answeredCalls(entries), "tool calls");
  for (const tool of tools) {
    const turn = byId.get(tool.parent ?? "");
    assert.deepEqual([turn?.operation, turn?.turn_id], ["invoke_agent", tool.turn_id], `${tool.tool_name} is under its turn`);
  }
  const agents = await sql<{ agent_id: string; parent_agent_id: string | null; spawned_by_tool_call: string | null }[]>`
    select agent_id, parent_agent_id, spawned_by_tool_call from signalbox.agents where session_id = any(${[...sessions]}) and agent_id <> ''`;
  for (const { agent_id, parent_agent_id, spawned_by_tool_call } of agents) {
    if (sessions.has(agent_id)) continue;
    const spawner = tools.find(({ tool_call_id }) => tool_call_id === spawned_by_tool_call);
    assert.equal(spawner?.agent_id, parent_agent_id, `${agent_id} was spawned by a tool call of its parent`);
    const turns = spans.filter((span) => span.operation === "invoke_agent" && span.agent_id === agent_id);
    assert.ok(
      turns.some(({ parent }) => parent === spawner?.id),
      `${agent_id} is below the tool call that spawned it`,
    );
  }
}

interface Message {
  role?: string;
  tool_call_id?: string;
}
/** OpenClaw shows a model its own ids without what is neither letter nor digit. */
const plainId = (id: string) => id.replaceAll(/[^A-Za-z0-9]/g, "");

/** Every tool call that a request shows the result of. */
function answeredCalls(entries: readonly LedgerEntry[]): string[] {
  const messages = entries.flatMap(({ body }) => (Array.isArray(body.messages) ? (body.messages as Message[]) : []));
  return [
    ...new Set(messages.flatMap(({ role, tool_call_id }) => (role === "tool" && tool_call_id ? [plainId(tool_call_id)] : []))),
  ].toSorted();
}
