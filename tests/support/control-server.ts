import http from "node:http";
import type { AddressInfo } from "node:net";

/** What the scripted scheduler was asked, in order. */
export interface ControlRequest {
  method: string;
  path: string;
  authorization: string | undefined;
  body: unknown;
}

export interface ControlServer {
  url: string;
  requests: ControlRequest[];
  /** What it answers to a kill or pause from now on. */
  receipt: Record<string, unknown>;
  /** The calls under way that it tells of any session. */
  inFlight: { project: string | null }[];
  /** The body of `GET /control/pools`. */
  pools: object;
  close(): Promise<void>;
}

/** A scheduler's control API with answers from a script: pages are tested against its shapes, not against a fleet. */
export async function startControlServer({ token, port = 0 }: { token: string; port?: number }): Promise<ControlServer> {
  const control: ControlServer = {
    url: "",
    requests: [],
    receipt: {
      descendants: Array.from({ length: 17 }, (_, index) => `subagent:${index}`),
      upstream_closed: 3,
      slots_freed: 3,
      agents_acknowledged: ["openclaw-laptop"],
      unknown: ["openclaw-desk did not acknowledge within 2000 ms"],
    },
    inFlight: Array(3).fill({ project: "default" }),
    pools: { data: scriptedPools(), next: null },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const path = request.url ?? "";
    control.requests.push({
      method: request.method ?? "",
      path,
      authorization: request.headers.authorization,
      body: text === "" ? undefined : JSON.parse(text),
    });
    const send = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${token}`)
      return send(401, { error: { code: "unauthorized", message: "the control API takes the admin token" } });
    if (request.method === "GET" && path === "/control/pools") return send(200, control.pools);
    const [, id, action] = path.match(/^\/control\/sessions\/([^/?]+)(?:\/(kill|pause|resume))?(?:\?project=.*)?$/) ?? [];
    if (id === undefined) return send(404, { error: { code: "not_found", message: `there is no ${path}` } });
    if (action === undefined) return send(200, { session: decodeURIComponent(id), in_flight: control.inFlight });
    return send(200, { session: decodeURIComponent(id), ...control.receipt });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  control.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return control;
}

/** Where a pool's rates come from, and what was learned of it. */
function ratesOf(pool: string) {
  if (pool === "ryzen-npu") return { rates: "assumed", measured_at: null, learned: null };
  if (pool !== "l40s") return { rates: "configured", measured_at: null, learned: null };
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  return {
    rates: "measured",
    measured_at: hoursAgo(3),
    learned: { calls: 1240, since: hoursAgo(26), last_call_at: hoursAgo(0), carried_over_until: null },
  };
}

/** The seeded fleet's pools (seed-fleet.ts), one of them unwell. */
const scriptedPools = () =>
  [
    {
      name: "epyc-a",
      silicon: "cpu",
      hardware: "AMD EPYC 7R13",
      model: "qwen3-8b",
      tier: 0,
      hourly_usd: 0.4,
      slots: 8,
      active: 5,
      queued: 0,
    },
    {
      name: "l40s",
      silicon: "gpu",
      hardware: "NVIDIA L40S",
      model: "qwen3-8b",
      tier: 0,
      hourly_usd: 1.86,
      slots: 16,
      active: 16,
      queued: 7,
    },
    {
      name: "ryzen-npu",
      silicon: "npu",
      hardware: "AMD Ryzen AI 9",
      model: "qwen3-1.7b",
      tier: 0,
      hourly_usd: 0.05,
      slots: 1,
      active: 0,
      queued: 0,
    },
    {
      name: "anthropic",
      silicon: "cloud",
      hardware: null,
      model: "claude-opus-4-6",
      tier: 3,
      hourly_usd: null,
      slots: 64,
      active: 2,
      queued: 0,
    },
  ].map(({ model, tier, ...pool }) => ({
    ...pool,
    engine: pool.silicon === "cloud" ? "anthropic" : "openai-compatible",
    state: pool.name === "ryzen-npu" ? "unhealthy" : "healthy",
    reason: pool.name === "ryzen-npu" ? "connect ECONNREFUSED 127.0.0.1:8003" : null,
    models: [{ id: model, tier, cost_by: pool.hourly_usd === null ? "token" : "time" }],
    probe:
      pool.silicon === "cloud"
        ? null
        : {
            at: new Date(Date.now() - 4_000).toISOString(),
            ms: 3.2,
            status: pool.name === "ryzen-npu" ? null : 200,
            error: pool.name === "ryzen-npu" ? "connect ECONNREFUSED 127.0.0.1:8003" : null,
          },
    queue_limit: 32,
    busy_seconds: 4210,
    hours: {
      since: "2026-11-20T08:00:00.000Z",
      cost_nanousd: pool.hourly_usd === null ? null : { allocated: "9000000000", used: "6500000000", idle: "2500000000" },
    },
    speed: {
      prefill_tokens_per_second: 900,
      decode_ms_per_token: 21,
      decode_ms_per_token_full: 48,
      service_ms: 4200,
      ...ratesOf(pool.name),
    },
  }));
