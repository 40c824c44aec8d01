import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { registerOpenclaw, unregisterOpenclaw } from "@signalbox/openclaw/register";
import { freePort } from "../../support/free-port.ts";
import { type LedgerEntry, type Script, startProvider } from "../../support/provider.ts";
import { type Stack, startStack } from "../stack.ts";
import { type Activity, followActivity } from "./activity.ts";
import { RECORDER } from "./drift.ts";
import { baseConfig, type Gateway, type OpenclawHome, openclawHome, startGateway } from "./gateway.ts";
import type { InstalledOpenclaw } from "./install.ts";

export const POOL = "scripted-cloud";
export const TOKEN = "token-of-the-suite";
/** USD per million tokens: the provider's ledger, the scheduler's config and OpenClaw's own are told the same. */
const PRICES = { input: 3, output: 15, cacheRead: 0.3 };

const configOf = (url: string) => `
pools:
  - name: ${POOL}
    silicon: cloud
    hardware: scripted
    engine: openai-compatible
    base_url: ${url}/v1
    models: [{ id: scripted, tier: 2, input_usd_per_mtok: ${PRICES.input}, output_usd_per_mtok: ${PRICES.output}, cache_read_usd_per_mtok: ${PRICES.cacheRead} }]
    slots: 32
models:
  auto: { any_of: [scripted] }
`;

/** The real OpenClaw with a direct way to a scripted provider, beside the real Signalbox before the same provider. */
export interface World {
  stack: Stack;
  home: OpenclawHome;
  /** openclaw.json as it was before anything was registered. */
  before: string;
  /** What OpenClaw told its plugins so far, a JSON object a line. */
  recordPath: string;
  gateway(): Gateway;
  restart(): Promise<void>;
  use(script: Script): void;
  /** What the provider was asked from now on; only models' replies, and only those of a mark where one is given (`ask`). */
  since(mark?: string): () => LedgerEntry[];
  /** Waits until OpenClaw is at nothing and says nothing for two seconds: sub-agents and their announcements go on after a turn. */
  quiet(): Promise<void>;
  register(options?: { observeOnly?: boolean; key?: string }): Promise<void>;
  unregister(): Promise<void>;
  /** Puts another text into openclaw.json. */
  write(text: string): Promise<void>;
  /** What a user without our plugin would write. */
  routeByHand(): Promise<void>;
  /** Another gateway on this machine, of another home, registered from the same state folder. It ends with the world at the latest. */
  beside(): Promise<Beside>;
  /** The session that a request was made in, once something of it is stored. */
  sessionOf(entry: LedgerEntry | undefined): Promise<string>;
  /** Sets what a session may cost. */
  limit(session: string, usd: number): Promise<void>;
  control<T>(session: string, verb: string): Promise<T>;
  close(): Promise<void>;
}

export interface Beside {
  gateway: Gateway;
  /** As `World.quiet`. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** On a busy machine; else 10 to 30 seconds. */
const BOOT_MS = 180_000;
/** A running gateway reads its config again by itself. */
const RELOADED_WITHIN_MS = 60_000;
/** After the end of several sub-agents OpenClaw waits some 300 ms, and then tells their parent once more. */
const QUIET_MS = 2_000;
const QUIET_WITHIN_MS = 90_000;
const SEEN_WITHIN_MS = 20_000;

export async function openclawWorld(openclaw: InstalledOpenclaw): Promise<World> {
  let script: Script = () => ({});
  const stack = await startStack(() => ({}), {
    startProvider: () => startProvider({ script: (request, n) => script(request, n), prices: PRICES }),
    config: configOf,
    token: TOKEN,
  });
  const { provider } = stack;
  const model = { id: "direct", name: "direct", cost: { ...PRICES, cacheWrite: 0 }, contextWindow: 128_000, maxTokens: 8_192 };
  const direct = { baseUrl: `${provider.url}/v1`, apiKey: "fake-key", api: "openai-completions", models: [model] };
  const configAt = (at: number) => {
    const base = baseConfig(at);
    return {
      ...base,
      models: { ...base.models, providers: { direct } },
      agents: {
        defaults: {
          ...base.agents.defaults,
          model: { primary: "direct/direct" },
          heartbeat: { every: "24h" },
          subagents: { maxSpawnDepth: 3, maxChildrenPerAgent: 20, maxConcurrent: 32 },
        },
      },
      // Beside ours, and there before it: writes down what plugins are told.
      plugins: {
        load: { paths: [RECORDER] },
        entries: { "signalbox-recorder": { enabled: true, hooks: { allowConversationAccess: true } } },
      },
    };
  };
  const homeAt = (at: number) => {
    const made = openclawHome(configAt(at));
    made.env.SIGNALBOX_RECORD = join(made.dir, "record.jsonl");
    return made;
  };
  const port = await freePort();
  const home = homeAt(port);
  const recordPath = join(home.dir, "record.jsonl");
  const quietOf = (activity: Activity) => async () => {
    const deadline = Date.now() + QUIET_WITHIN_MS;
    for (let last = -1; !activity.idle() || activity.told() !== last; await sleep(QUIET_MS)) {
      if (Date.now() > deadline) throw new Error(`OpenClaw is still at work after ${QUIET_WITHIN_MS / 1000} s`);
      last = activity.told();
    }
    await provider.idle(30_000);
  };
  const besides = new Set<Beside>();
  const before = readFileSync(home.configPath, "utf8");
  const stateDir = join(home.dir, "signalbox");
  mkdirSync(stateDir);
  writeFileSync(join(stateDir, "token"), `${TOKEN}\n`, { mode: 0o600 });
  const place = { home: home.home, stateDir };
  const addresses = { schedulerUrl: stack.schedulerUrl, otlpEndpoint: stack.collectorUrl };
  let gateway = await startGateway(openclaw, home, port, BOOT_MS);
  const reloads = () => gateway.log().split("config hot reload applied").length;
  /** Changes the config, and waits until the gateway has taken it up. */
  const reloading = async (change: () => Promise<{ changed: boolean }>) => {
    const before = reloads();
    const { changed } = await change();
    for (const deadline = Date.now() + RELOADED_WITHIN_MS; changed && reloads() === before; await sleep(100)) {
      if (Date.now() > deadline) throw new Error(`the gateway has not read its config again after ${RELOADED_WITHIN_MS / 1000} s`);
    }
  };

  const write = (text: string) =>
    reloading(async () => {
      writeFileSync(home.configPath, text);
      return { changed: true };
    });

  const controlled = async (method: string, path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${stack.schedulerUrl}/control${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  };

  return {
    stack,
    home,
    before,
    recordPath,
    gateway: () => gateway,
    async restart() {
      await gateway.stop();
      gateway = await startGateway(openclaw, home, port, BOOT_MS);
    },
    use(next) {
      script = next;
    },
    since(mark) {
      const from = provider.ledger.length;
      const isMarked = ({ rawBody }: LedgerEntry) => mark === undefined || rawBody.includes(`(${mark})`);
      return () => provider.ledger.slice(from).filter((entry) => entry.path === "/v1/chat/completions" && isMarked(entry));
    },
    quiet: quietOf(followActivity(recordPath)),
    register: (options = {}) => reloading(() => registerOpenclaw({ ...place, ...addresses, ...options })),
    unregister: () => reloading(() => unregisterOpenclaw(place)),
    write,
    async routeByHand() {
      const written = configAt(port);
      // No key: the scheduler on this machine asks for none, and refuses one that it does not know.
      const { apiKey: _, ...keyless } = direct;
      const signalbox = { ...keyless, baseUrl: `${stack.schedulerUrl}/v1`, models: [{ ...model, id: "auto", name: "auto" }] };
      const models = { ...written.models, providers: { ...written.models.providers, signalbox } };
      const agents = { defaults: { ...written.agents.defaults, model: { primary: "signalbox/auto" } } };
      await write(JSON.stringify({ ...written, models, agents }));
    },
    async sessionOf(entry) {
      const traceId = String(entry?.headers.traceparent).split("-")[1] ?? "";
      for (const deadline = Date.now() + SEEN_WITHIN_MS; Date.now() < deadline; await sleep(100)) {
        const [row] = await stack.sql<{ session_id: string }[]>`
          select session_id from signalbox.spans where encode(trace_id, 'hex') = ${traceId} limit 1`;
        if (row !== undefined) return row.session_id;
      }
      throw new Error(`trace ${traceId} is not stored after ${SEEN_WITHIN_MS / 1000} s`);
    },
    async beside() {
      const otherPort = await freePort();
      const other = homeAt(otherPort);
      const otherPlace = { home: other.home, stateDir };
      await registerOpenclaw({ ...otherPlace, ...addresses });
      const started = await startGateway(openclaw, other, otherPort, BOOT_MS);
      const one: Beside = {
        gateway: started,
        quiet: quietOf(followActivity(join(other.dir, "record.jsonl"))),
        async close() {
          besides.delete(one);
          await started.stop();
          await unregisterOpenclaw(otherPlace);
          other.remove();
        },
      };
      besides.add(one);
      return one;
    },
    limit: async (id, usd) => void (await controlled("PUT", "/budgets/session", { id, limit_usd: usd, period: "none" })),
    control: async <T>(session: string, verb: string) =>
      (await controlled("POST", `/sessions/${encodeURIComponent(session)}/${verb}`, { reason: "the suite says so" })) as T,
    async close() {
      for (const one of besides) await one.close();
      await gateway.stop();
      await stack.close();
      home.remove();
    },
  };
}
