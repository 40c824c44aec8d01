import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { registerOpenclaw, unregisterOpenclaw } from "@signalbox/openclaw/register";
import { freePort } from "../../support/free-port.ts";
import { type LedgerEntry, type Script, startProvider } from "../../support/provider.ts";
import { type Stack, startStack } from "../stack.ts";
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
  /** What the provider was asked from now on; only models' replies. */
  since(): () => LedgerEntry[];
  /** Waits until the provider has heard nothing for `quietMs`: sub-agents and their announcements go on after a turn. */
  quiet(quietMs?: number): Promise<void>;
  register(observeOnly?: boolean): Promise<void>;
  unregister(): Promise<void>;
  /** What a user without our plugin would write. */
  routeByHand(): Promise<void>;
  control<T>(session: string, verb: string): Promise<T>;
  close(): Promise<void>;
}

/** On a busy machine; else 10 to 30 seconds. */
const BOOT_MS = 180_000;
/** A running gateway reads its config again by itself within this time. */
const RELOAD_MS = 5_000;

export async function openclawWorld(openclaw: InstalledOpenclaw): Promise<World> {
  let script: Script = () => ({});
  const stack = await startStack(() => ({}), {
    startProvider: () => startProvider({ script: (request, n) => script(request, n), prices: PRICES }),
    config: configOf,
    token: TOKEN,
  });
  const { provider } = stack;
  const port = await freePort();
  const config = baseConfig(port);
  const model = { id: "direct", name: "direct", cost: { ...PRICES, cacheWrite: 0 }, contextWindow: 128_000, maxTokens: 8_192 };
  const direct = { baseUrl: `${provider.url}/v1`, apiKey: "fake-key", api: "openai-completions", models: [model] };
  const home = openclawHome({
    ...config,
    models: { ...config.models, providers: { direct } },
    agents: {
      defaults: {
        ...config.agents.defaults,
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
  });
  const recordPath = join(home.dir, "record.jsonl");
  home.env.SIGNALBOX_RECORD = recordPath;
  const before = readFileSync(home.configPath, "utf8");
  const stateDir = join(home.dir, "signalbox");
  mkdirSync(stateDir);
  writeFileSync(join(stateDir, "token"), `${TOKEN}\n`, { mode: 0o600 });
  const place = { home: home.home, stateDir };
  let gateway = await startGateway(openclaw, home, port, BOOT_MS);
  const reloaded = () => sleep(RELOAD_MS);

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
    since() {
      const from = provider.ledger.length;
      return () => provider.ledger.slice(from).filter(({ path }) => path === "/v1/chat/completions");
    },
    async quiet(quietMs = 2_000) {
      for (let last = -1; provider.ledger.length !== last; await sleep(quietMs)) last = provider.ledger.length;
      await provider.idle(30_000);
    },
    async register(observeOnly = false) {
      await registerOpenclaw({ ...place, schedulerUrl: stack.schedulerUrl, otlpEndpoint: stack.collectorUrl, observeOnly });
      await reloaded();
    },
    async unregister() {
      await unregisterOpenclaw(place);
      await reloaded();
    },
    async routeByHand() {
      const written = JSON.parse(before) as typeof config & { models: { providers: object } };
      const signalbox = { ...direct, baseUrl: `${stack.schedulerUrl}/v1`, models: [{ ...model, id: "auto", name: "auto" }] };
      const models = { ...written.models, providers: { ...written.models.providers, signalbox } };
      const agents = { defaults: { ...written.agents.defaults, model: { primary: "signalbox/auto" } } };
      writeFileSync(home.configPath, JSON.stringify({ ...written, models, agents }));
      await reloaded();
    },
    async control<T>(session: string, verb: string): Promise<T> {
      const response = await fetch(`${stack.schedulerUrl}/control/sessions/${encodeURIComponent(session)}/${verb}`, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ reason: "the suite says so" }),
      });
      if (!response.ok) throw new Error(`${verb}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
    async close() {
      await gateway.stop();
      await stack.close();
      home.remove();
    },
  };
}
