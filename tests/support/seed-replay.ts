import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import postgres from "postgres";
import type { SeedSpan } from "./seed-fleet.ts";

/** A session of any length for replay: turns of a root and of sub-agents, each with model calls and tools; some fail, one is dear. */
export interface LongSession {
  id: string;
  spans: SeedSpan[];
}

export interface LongSessionOptions {
  id: string;
  startMs: number;
  steps: number;
  subAgents: number;
}

const hex = (text: string, digits: number) => createHash("sha256").update(text).digest("hex").slice(0, digits);

/** Steps are 400 ms apart; every 97th fails; step 11 is the costliest call. Exactly `steps` turns, calls and tools. */
export function makeLongSession({ id, startMs, steps, subAgents }: LongSessionOptions): LongSession {
  const spans: SeedSpan[] = [];
  const perAgent = Math.max(4, Math.floor(steps / (subAgents + 1)));
  let turn: SeedSpan | undefined;
  for (let index = 0; index < steps; index++) {
    const owner = Math.min(subAgents, Math.floor(index / perAgent));
    const isTurn = index % perAgent === 0 && index / perAgent <= subAgents;
    const kind = isTurn ? "turn" : index % 3 === 2 ? "tool" : "call";
    const agent = owner === 0 ? id : `${id}:sub:${owner}`;
    const span: SeedSpan = {
      start_us: (startMs + index * 400) * 1000,
      duration_ns: (isTurn ? perAgent * 400 : 350) * 1e6,
      trace_id: hex(`${id} ${owner}`, 32),
      span_id: hex(`${id} ${index}`, 16),
      parent_span_id: isTurn ? null : (turn?.span_id ?? null),
      session_id: id,
      agent_id: agent,
      parent_agent_id: owner === 0 ? null : id,
      depth: owner === 0 ? 0 : 1,
      spawned_by_tool_call: null,
      turn_id: null,
      name: kind === "turn" ? "invoke_agent" : kind === "tool" ? "execute_tool read_file" : "chat qwen3-8b",
      operation: kind === "turn" ? "invoke_agent" : kind === "tool" ? "execute_tool" : "chat",
      kind: kind === "call" ? 3 : 1,
      status: index > 0 && index % 97 === 0 ? 2 : 0,
      is_call: kind === "call",
      agent_kind: "openclaw",
      agent_name: owner === 0 ? "marathon" : `worker-${owner}`,
      channel: "cli",
      user_id: null,
      columns: {
        ...(kind === "tool" && { tool_name: "read_file" }),
        ...(index % 97 === 0 && { status_message: `step ${index} broke` }),
        ...(kind === "call" && {
          model: "qwen3-8b",
          pool: index % 2 === 0 ? "epyc-a" : "l40s",
          silicon: index % 2 === 0 ? "cpu" : "gpu",
          attempt: 1,
          input_tokens: 2000,
          output_tokens: 80,
          cost_nusd: index === 10 ? 9_000_000 : 40_000,
          cost_source: "measured",
        }),
      },
      attributes: {},
    };
    if (isTurn) turn = span;
    spans.push(span);
  }
  return { id, spans };
}

/** Writes what was said in a span, as the collector stores it. */
export async function writeMessages(
  databaseUrl: string,
  span: SeedSpan,
  said: Partial<Record<"system" | "input" | "output", readonly object[]>>,
): Promise<void> {
  await withDatabase(databaseUrl, async (sql) => {
    for (const [direction, bodies] of Object.entries(said)) {
      const hashes = bodies.map((body) => createHash("sha256").update(JSON.stringify(body)).digest());
      for (const [index, body] of bodies.entries())
        await sql`insert into messages values (${span.session_id}, ${hashes[index] as Buffer}, ${sql.json(body as postgres.JSONValue)}) on conflict do nothing`;
      await sql`insert into span_messages values (${span.session_id}, ${new Date(span.start_us / 1000)}, ${Buffer.from(span.span_id, "hex")}, ${direction}, ${byteaArray(hashes)}::bytea[])`;
    }
  });
}

/** The driver has no arrays of bytes. */
const byteaArray = (values: readonly Buffer[]) => `{${values.map((value) => `"\\\\x${value.toString("hex")}"`).join(",")}}`;

/** Writes the bodies of a call, as the collector stores them. */
export async function writePayloads(databaseUrl: string, span: SeedSpan, bodies: Record<"sent" | "received", Buffer>): Promise<void> {
  await withDatabase(databaseUrl, async (sql) => {
    for (const [direction, body] of Object.entries(bodies))
      await sql`insert into payloads values (${span.session_id}, ${Buffer.from(span.span_id, "hex")}, ${direction}, ${new Date(span.start_us / 1000)},
        'default', ${body.length}, false, ${zstdCompressSync(body)})`;
  });
}

async function withDatabase(databaseUrl: string, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connection: { search_path: "signalbox", TimeZone: "UTC" } });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
