import { createHash } from "node:crypto";
import { Attribute, type DecisionCandidate, Operation, spanName } from "@signalbox/otel/conventions";
import { AGENTS, BASELINE, POOLS, type Pool, TASKS, type Task } from "./fleet-cast.ts";
import { randomSource } from "./random-source.ts";

/** A row of signalbox.spans; what is left out takes the column's default. Times are microseconds since 1970. */
export interface SeedSpan {
  start_us: number;
  duration_ns: number;
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  session_id: string;
  agent_id: string;
  parent_agent_id: string | null;
  depth: number;
  spawned_by_tool_call: string | null;
  turn_id: string | null;
  name: string;
  operation: string;
  kind: number;
  status: number;
  is_call: boolean;
  agent_kind: string;
  agent_name: string;
  channel: string;
  user_id: string | null;
  columns: Record<string, string | number | boolean | null>;
  attributes: Record<string, unknown>;
}

export const RUNAWAY_SESSION = "agent:scout:telegram:group:-100482/thread:77";
export const RUNAWAY_SUB_AGENTS = 17;
export const UNKNOWN_MODEL = "mystery-large";

/** People at a terminal have keys of their own; what runs by itself shares one; the rest of the fleet needs none. */
const keyOf = ({ channel, user }: Who): string | null => (channel === "cron" ? "automation" : channel === "cli" ? `laptop-${user}` : null);

interface Who {
  session: string;
  agent: string;
  name: string;
  channel: string;
  user: string | null;
  parentAgent: string | null;
  depth: number;
  spawnedBy: string | null;
}

export class Fleet {
  readonly spans: SeedSpan[] = [];
  readonly #random: () => number;
  #ids = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = randomSource(seed);
  }

  #id(bytes: 8 | 16): string {
    return createHash("sha256")
      .update(`${this.#seed}:${this.#ids++}`)
      .digest("hex")
      .slice(0, bytes * 2);
  }
  #between([low, high]: readonly [number, number]): number {
    return Math.round(low + this.#random() ** 1.6 * (high - low));
  }
  #pick(weights: Readonly<Record<string, number>>): Pool {
    let at = this.#random() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    const name = Object.entries(weights).find(([, weight]) => {
      at -= weight;
      return at < 0;
    })?.[0];
    return POOLS.find((pool) => pool.pool === name) ?? (POOLS[0] as Pool);
  }
  #add(who: Who, span: Partial<SeedSpan> & Pick<SeedSpan, "start_us" | "duration_ns" | "trace_id" | "name" | "operation">): SeedSpan {
    const full: SeedSpan = {
      span_id: this.#id(8),
      parent_span_id: null,
      session_id: who.session,
      agent_id: who.agent,
      parent_agent_id: who.parentAgent,
      depth: who.depth,
      spawned_by_tool_call: who.spawnedBy,
      turn_id: null,
      kind: 1,
      status: 0,
      is_call: false,
      agent_kind: "openclaw",
      agent_name: who.name,
      channel: who.channel,
      user_id: who.user,
      columns: {},
      attributes: {},
      ...span,
    };
    this.spans.push(full);
    return full;
  }

  /** One model call through the scheduler: the agent's chat span, the decision, one or two attempts. Returns its end. */
  #routedCall(who: Who, task: Task, parent: SeedSpan, startUs: number, failsOver = false): number {
    const chosen = this.#pick(task.pools);
    const input = this.#between(task.input);
    const cached = Math.round(input * 0.6 * this.#random());
    const output = this.#between(task.output);
    const queue = this.#random() ** 3 * (chosen.silicon === "gpu" ? 900 : 140);
    const prefill = (input - cached) / chosen.prefillTokensPerMs;
    const decode = output * chosen.decodeMsPerToken;
    const nanousd = (pool: Pick<Pool, "inputUsdPerMtok" | "outputUsdPerMtok">) =>
      Math.round(((input - cached) * pool.inputUsdPerMtok + cached * pool.inputUsdPerMtok * 0.1 + output * pool.outputUsdPerMtok) * 1000);
    const totalMs = queue + prefill + decode;
    const failedMs = failsOver ? 1200 : 0;
    const slaMet = task.sla !== "interactive" || queue + prefill < 2600;
    const candidates: DecisionCandidate[] = POOLS.map((pool) => {
      const base = { pool: pool.pool, model: pool.model, silicon: pool.silicon };
      if (pool.pool === chosen.pool)
        return {
          ...base,
          ttft_ms: Math.round(queue + prefill),
          tpot_ms: pool.decodeMsPerToken,
          cost_nanousd: nanousd(pool),
          chosen: true as const,
        };
      if (pool.silicon === "npu" && input > 4000) return { ...base, rejected: `context of ${input} tokens is beyond its 4096` };
      if (pool.silicon === "cloud")
        return {
          ...base,
          ttft_ms: Math.round(input / pool.prefillTokensPerMs),
          tpot_ms: pool.decodeMsPerToken,
          cost_nanousd: nanousd(pool),
        };
      if (pool.silicon === "cpu" && task.sla === "interactive")
        return {
          ...base,
          rejected: `predicted first token after ${Math.round(input / pool.prefillTokensPerMs)} ms, interactive allows 1000 ms`,
          ttft_ms: Math.round(input / pool.prefillTokensPerMs),
          tpot_ms: pool.decodeMsPerToken,
        };
      if (pool.tier < 2 && chosen.tier >= 2) return { ...base, rejected: "coding needs tier 2 or higher" };
      return { ...base, ttft_ms: Math.round(input / pool.prefillTokensPerMs), tpot_ms: pool.decodeMsPerToken, cost_nanousd: nanousd(pool) };
    });
    const decision = this.#id(8);
    const shared = { trace_id: parent.trace_id, turn_id: parent.turn_id };
    const names = {
      task: task.task,
      route: task.route,
      sla_class: task.sla,
      request_model: "auto",
      decision_id: decision,
      key_name: keyOf(who),
    };
    const where = {
      pool: chosen.pool,
      silicon: chosen.silicon,
      hardware: chosen.hardware || null,
      provider: chosen.provider,
      model: chosen.model,
      tier: chosen.tier,
    };
    const agentMs = totalMs + failedMs + 6;
    const chat = this.#add(who, {
      ...shared,
      parent_span_id: parent.span_id,
      start_us: startUs,
      duration_ns: agentMs * 1e6,
      name: spanName.chat("auto"),
      operation: Operation.chat,
      kind: 3,
      columns: { ...names, ...where },
      attributes: { [Attribute.routed]: true, [Attribute.requestStream]: true },
    });
    const eligible = candidates.filter((candidate) => !candidate.rejected).length;
    const schedule = this.#add(who, {
      ...shared,
      parent_span_id: chat.span_id,
      start_us: startUs + 2000,
      duration_ns: (totalMs + failedMs + 3) * 1e6,
      name: spanName.schedule("auto"),
      operation: Operation.schedule,
      kind: 2,
      columns: { ...names, ...where, sla_met: slaMet },
      attributes: {
        [Attribute.decisionReason]:
          eligible === 1 ? `the only one that meets ${task.sla}` : `cheapest of ${eligible} that meet ${task.sla}`,
        [Attribute.decisionCandidates]: JSON.stringify(candidates),
      },
    });
    if (failsOver) {
      this.#add(who, {
        ...shared,
        parent_span_id: schedule.span_id,
        start_us: startUs + 3000,
        duration_ns: failedMs * 1e6,
        name: spanName.chat("qwen3-8b"),
        operation: Operation.chat,
        kind: 3,
        status: 2,
        is_call: true,
        columns: {
          ...names,
          pool: "epyc-a",
          silicon: "cpu",
          hardware: "AMD EPYC 7R13",
          provider: "signalbox",
          model: "qwen3-8b",
          tier: 0,
          attempt: 1,
          cost_nusd: 0,
          cost_source: "measured",
          baseline_nusd: 0,
          input_tokens: 0,
          output_tokens: 0,
          status_message: "503: no free slot within 1000 ms",
        },
      });
    }
    this.#add(who, {
      ...shared,
      parent_span_id: schedule.span_id,
      start_us: startUs + 3000 + failedMs * 1000,
      duration_ns: totalMs * 1e6,
      name: spanName.chat(chosen.model),
      operation: Operation.chat,
      kind: 3,
      is_call: true,
      columns: {
        ...names,
        ...where,
        sla_met: slaMet,
        attempt: failsOver ? 2 : 1,
        input_tokens: input,
        cache_read_tokens: cached,
        output_tokens: output,
        reasoning_tokens: chosen.tier === 3 ? Math.round(output * 0.2) : 0,
        cost_nusd: nanousd(chosen),
        cost_source: chosen.silicon === "cloud" ? "priced" : "measured",
        baseline_nusd: nanousd(BASELINE),
        ttft_ms: queue + prefill,
        queue_ms: queue,
        prefill_ms: prefill,
        decode_ms: decode,
      },
      attributes: { [Attribute.baselineModel]: "claude-opus-4-6", [Attribute.finishReasons]: ["stop"] },
    });
    return startUs + agentMs * 1000;
  }

  /** A call that never met the scheduler, on a model that no price is known for. */
  #unpricedCall(who: Who, parent: SeedSpan, startUs: number): number {
    const durationMs = 1800 + this.#random() * 3000;
    this.#add(who, {
      trace_id: parent.trace_id,
      turn_id: parent.turn_id,
      parent_span_id: parent.span_id,
      start_us: startUs,
      duration_ns: durationMs * 1e6,
      name: spanName.chat(UNKNOWN_MODEL),
      operation: Operation.chat,
      kind: 3,
      is_call: true,
      columns: {
        provider: "self-hosted",
        model: UNKNOWN_MODEL,
        request_model: UNKNOWN_MODEL,
        input_tokens: 2100,
        output_tokens: 180,
        cost_nusd: null,
        cost_source: "unknown",
      },
    });
    return startUs + durationMs * 1000;
  }

  #toolCall(who: Who, task: Task, parent: SeedSpan, startUs: number, fails: boolean): number {
    const tool = task.tools[Math.floor(this.#random() * task.tools.length)] ?? "exec";
    const durationMs = 20 + this.#random() ** 2 * 2400;
    this.#add(who, {
      trace_id: parent.trace_id,
      turn_id: parent.turn_id,
      parent_span_id: parent.span_id,
      start_us: startUs,
      duration_ns: durationMs * 1e6,
      name: spanName.executeTool(tool),
      operation: Operation.executeTool,
      status: fails ? 2 : 0,
      columns: { tool_name: tool, tool_call_id: `call_${this.#id(8)}`, ...(fails ? { status_message: `${tool}: exit code 1` } : {}) },
      attributes: { [Attribute.toolType]: "function" },
    });
    return startUs + durationMs * 1000;
  }

  /** One turn of an agent: calls and tools one after another, the turn's span around them. Returns its end. */
  turn(
    who: Who,
    task: Task,
    startUs: number,
    options: { calls: number; parent?: SeedSpan; toolFails?: boolean; unpriced?: boolean; failsOver?: boolean; spawn?: number },
  ): number {
    const turnId = this.#id(8);
    const turn = this.#add(who, {
      trace_id: options.parent?.trace_id ?? this.#id(16),
      parent_span_id: options.parent?.span_id ?? null,
      turn_id: turnId,
      start_us: startUs,
      duration_ns: 0,
      name: spanName.invokeAgent(who.name),
      operation: Operation.invokeAgent,
      columns: { task: task.task },
    });
    let at = startUs + 4000;
    for (let call = 0; call < options.calls; call++) {
      at = this.#routedCall(who, task, turn, at, options.failsOver && call === 0);
      if (call < options.calls - 1) at = this.#toolCall(who, task, turn, at + 3000, Boolean(options.toolFails) && call === 0);
      at += 2000;
    }
    if (options.unpriced) at = this.#unpricedCall(who, turn, at);
    if (options.spawn) at = Math.max(at, this.#spawn(who, turn, at, options.spawn));
    turn.duration_ns = Math.round((at + 3000 - startUs) * 1000);
    return at + 3000;
  }

  /** Sub-agents started one after another within a minute, which then run side by side. */
  #spawn(who: Who, turn: SeedSpan, startUs: number, count: number): number {
    let end = startUs;
    for (let index = 0; index < count; index++) {
      const spawnUs = startUs + index * 2_600_000;
      const call = `call_${this.#id(8)}`;
      const spawn = this.#add(who, {
        trace_id: turn.trace_id,
        turn_id: turn.turn_id,
        parent_span_id: turn.span_id,
        start_us: spawnUs,
        duration_ns: 40e6,
        name: spanName.executeTool("sessions_spawn"),
        operation: Operation.executeTool,
        columns: { tool_name: "sessions_spawn", tool_call_id: call },
      });
      // two of the first sub-agents spawn most of the rest: a tree, not a fan
      const parent = index < 5 ? who.agent : `${RUNAWAY_SESSION}:subagent:${index % 2}`;
      const sub: Who = {
        ...who,
        agent: `${RUNAWAY_SESSION}:subagent:${index}`,
        name: `researcher-${String(index + 1).padStart(2, "0")}`,
        parentAgent: parent,
        depth: index < 5 ? 1 : 2,
        spawnedBy: call,
      };
      const task = index % 3 === 0 ? (TASKS.summary as Task) : (TASKS.research as Task);
      const subEnd = this.turn(sub, task, spawnUs + 60_000, {
        calls: 2 + (index % 3),
        parent: spawn,
        toolFails: index === 11,
        failsOver: index === 4,
      });
      spawn.duration_ns = Math.round((subEnd - spawnUs + 2000) * 1000);
      end = Math.max(end, subEnd + 4000);
    }
    return end;
  }
}

const root = (session: string, name: string, channel: string, user: string | null): Who => ({
  session,
  agent: session,
  name,
  channel,
  user,
  parentAgent: null,
  depth: 0,
  spawnedBy: null,
});

/**
 * Two days of a believable fleet that end at `now`: 24 agents on several channels, four pools, failing tools, a failover, calls
 * of unknown cost, and, on the second day, a runaway with 17 sub-agents in one Telegram thread. The same seed gives the same spans.
 */
export function makeFleet(now: number, seed = 7): SeedSpan[] {
  const fleet = new Fleet(seed);
  const random = randomSource(seed + 1);
  const HOUR = 3600e6;
  const nowUs = now * 1000;
  for (const [index, [name, channel, taskName, user]] of AGENTS.entries()) {
    const task = TASKS[taskName] as Task;
    const session = channel === "telegram" ? `agent:${name}:telegram:dm:${4400 + index}` : `agent:${name}:main`;
    const who = root(session, name, channel, user);
    const turns = taskName === "heartbeat" ? 14 : taskName === "poll" ? 10 : 3 + Math.floor(random() * 5);
    for (let turn = 0; turn < turns; turn++) {
      // the day before, the same: what a day is compared with
      const day = nowUs - 24 * HOUR - ((turns - 1 - turn) / turns) * 21 * HOUR - random() * HOUR * 2;
      fleet.turn(who, task, Math.round(day), { calls: taskName === "heartbeat" ? 1 : 1 + Math.floor(random() * 4) });
    }
    for (let turn = 0; turn < turns; turn++) {
      const age = (turns - 1 - turn) / turns;
      const start = nowUs - 60e6 - age * 21 * HOUR - random() * HOUR * (turn === turns - 1 && index > 5 ? 3 : 0.2);
      fleet.turn(who, task, Math.round(start - 120e6), {
        calls: taskName === "heartbeat" ? 1 : 1 + Math.floor(random() * 4),
        toolFails: turn === turns - 1 && index % 6 === 4,
        unpriced: name === "crm-sync" && turn > turns - 4,
        failsOver: turn === 1 && index % 7 === 2,
      });
    }
  }
  const scout = AGENTS[0] as (typeof AGENTS)[number];
  const runaway = root(RUNAWAY_SESSION, scout[0], "telegram", scout[3]);
  fleet.turn(runaway, TASKS.chat as Task, nowUs - 26 * 60e6, { calls: 2 });
  fleet.turn(runaway, TASKS.chat as Task, nowUs - 14 * 60e6, { calls: 1, spawn: RUNAWAY_SUB_AGENTS });
  return fleet.spans;
}

/** One more turn of an agent that is already there, for tests of what happens live. */
export function makeTurn(session: string, name: string, now: number, seed: number): SeedSpan[] {
  const fleet = new Fleet(seed);
  fleet.turn(root(session, name, "slack", null), TASKS.summary as Task, now * 1000 - 5e6, { calls: 1 });
  return fleet.spans;
}
