import assert from "node:assert/strict";
import type { LedgerEntry } from "../../support/provider.ts";
import type { Report } from "../report.ts";
import type { Stack } from "../stack.ts";

interface StoredSpan {
  id: string;
  parent: string | null;
  trace: string;
  session_id: string;
  agent_id: string;
  turn_id: string | null;
  name: string;
  operation: string;
  is_call: boolean;
  route: string | null;
  pool: string | null;
  silicon: string | null;
  channel: string | null;
  tool_name: string | null;
  tool_call_id: string | null;
  input_tokens: string | null;
  output_tokens: string | null;
  cost_nusd: string | null;
  attempt: number | null;
}

/** What Postgres says of one routed turn with an exec call and a sub-agent, against what the provider says it served. */
export async function checkTrees(report: Report, { sql, provider }: Stack, routed: () => LedgerEntry[]): Promise<void> {
  const spans = await sql<StoredSpan[]>`
    select encode(span_id, 'hex') as id, encode(parent_span_id, 'hex') as parent, encode(trace_id, 'hex') as trace,
      session_id, agent_id, turn_id, name, operation, is_call, route, pool, silicon, channel, tool_name, tool_call_id,
      input_tokens, output_tokens, cost_nusd, attempt
    from signalbox.spans order by start_time`;
  const byId = new Map(spans.map((span) => [span.id, span]));
  const of = (operation: string) => spans.filter((span) => span.operation === operation);
  const calls = spans.filter((span) => span.is_call);
  const charged = routed().reduce((sum, entry) => sum + entry.costNanousd, 0);

  await report.check("one session, two agents, the second spawned by a tool call of the first", async () => {
    const sessions = await sql`select session_id, agent_kind, calls, cost_nusd from signalbox.sessions`;
    assert.equal(sessions.length, 1);
    assert.equal(sessions[0]?.agent_kind, "openclaw");
    const agents =
      await sql`select agent_id, parent_agent_id, depth, spawned_by_tool_call, agent_name from signalbox.agents order by depth`;
    assert.equal(agents.length, 2);
    assert.equal(agents[0]?.agent_id, sessions[0]?.session_id);
    assert.match(String(agents[1]?.agent_id), /^agent:main:subagent:/);
    assert.equal(agents[1]?.parent_agent_id, agents[0]?.agent_id);
    assert.equal(agents[1]?.depth, 1);
    assert.equal(agents[1]?.agent_name, "kid");
    const spawn = of("execute_tool").find((span) => span.tool_name === "sessions_spawn");
    assert.ok(spawn?.tool_call_id);
    assert.equal(agents[1]?.spawned_by_tool_call, spawn.tool_call_id);
  });

  await report.check("each LLM call has its agent, turn, route, pool, silicon, tokens and cost", () => {
    assert.equal(calls.length, routed().length);
    for (const call of calls) {
      assert.ok(call.agent_id && call.turn_id, `${call.name} has agent and turn`);
      assert.deepEqual([call.pool, call.silicon], ["scripted-cloud", "cloud"]);
      for (const field of ["route", "input_tokens", "output_tokens", "cost_nusd"] as const)
        assert.ok(call[field], `${call.name} has ${field}`);
    }
    assert.equal(new Set(calls.map((call) => call.agent_id)).size, 2);
  });

  await report.check("tokens and cost of each call are the provider's, to the nano-USD, and so are the sums", async () => {
    const key = (input: unknown, output: unknown, cost: unknown) => `${input} in, ${output} out, ${cost} nUSD`;
    assert.deepEqual(
      calls.map((call) => key(call.input_tokens, call.output_tokens, call.cost_nusd)).toSorted(),
      routed()
        .map((entry) => key(entry.usage.input, entry.usage.output, entry.costNanousd))
        .toSorted(),
    );
    const sums = await sql`
      select (select sum(cost_nusd) from signalbox.sessions)::text as sessions, (select sum(cost_nusd) from signalbox.agents)::text as agents,
        (select sum(cost_nusd) from signalbox.route_hour)::text as routes, (select sum(cost_nusd) from signalbox.session_hour)::text as hours`;
    assert.deepEqual({ ...sums[0] }, { sessions: `${charged}`, agents: `${charged}`, routes: `${charged}`, hours: `${charged}` });
    assert.ok(charged > 0 && provider.charged() >= charged);
  });

  await report.check("the plugin's chat span is the parent of the scheduler's, which is the parent of its attempt", () => {
    const schedules = of("schedule");
    assert.equal(schedules.length, routed().length);
    for (const schedule of schedules) {
      const agentSide = byId.get(schedule.parent ?? "");
      assert.equal(agentSide?.operation, "chat", `parent of ${schedule.name}`);
      assert.equal(agentSide?.is_call, false);
      assert.equal(agentSide?.trace, schedule.trace);
      assert.deepEqual(
        [schedule.session_id, schedule.agent_id, schedule.turn_id],
        [agentSide?.session_id, agentSide?.agent_id, agentSide?.turn_id],
      );
      assert.equal(agentSide?.pool, "scripted-cloud", "the agent's span knows the pool from the response headers");
      const attempts = calls.filter((call) => call.parent === schedule.id);
      assert.equal(attempts.length, 1);
      assert.equal(attempts[0]?.attempt, 1);
    }
  });

  await report.check("every tool and every call stands under its own turn; the sub-agent's turn under its tool call", () => {
    const tools = of("execute_tool");
    assert.deepEqual(tools.map((span) => span.tool_name).toSorted(), ["exec", "exec", "sessions_spawn"]);
    for (const span of [...tools, ...of("chat").filter((chat) => !chat.is_call)]) {
      const turn = byId.get(span.parent ?? "");
      assert.equal(turn?.operation, "invoke_agent", `parent of ${span.name}`);
      assert.deepEqual([turn?.turn_id, turn?.agent_id], [span.turn_id, span.agent_id]);
    }
    const kid = of("invoke_agent").find((span) => span.name === "invoke_agent kid");
    assert.equal(byId.get(kid?.parent ?? "")?.tool_name, "sessions_spawn");
  });
}
