/**
 * Records what OpenClaw's own exporter, its plugin `diagnostics-otel`, really sends, into
 * tests/fixtures/dialects/openclaw-diagnostics-otel-<version>.json, and with prompts and results, of one turn, into …-content.json:
 *
 *     node tests/agents/emitters/record-openclaw-diagnostics.ts [content]
 *
 * The plugin does not come with OpenClaw, and not from npm. It has to stand, with its dependencies, in dist/extensions/diagnostics-otel of
 * the installed package (`agentsDir`): OpenClaw gives diagnostic events to a bundled or an official plugin alone.
 *
 * The fixture has the requests as one, and what the provider served, by which the books are checked: a request without a `traceparent`
 * is one that OpenClaw makes for itself, and tells its exporter nothing of. Times, ids and this machine's names are made stable, so that
 * a second recording differs only where the exporter does. Left out: the definitions of tools, 40 KB a call.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/free-port.ts";
import { type Script, startProvider } from "../../support/provider.ts";
import { startOtlpSink } from "../capture/otlp-sink.ts";
import { startRecording } from "../capture/recording.ts";
import { baseConfig, openclawHome, startGateway } from "../openclaw/gateway.ts";
import { ensureOpenclaw } from "../openclaw/install.ts";
import { SCENARIOS, scriptOf, type Task } from "../openclaw/scenarios.ts";
import { stable, type TracesJson } from "./stable.ts";

/** A model whose price is known, so that cost can be compared: gpt-5-mini's. */
const MODEL = "gpt-5-mini";
const PRICES = { input: 0.25, output: 2, cacheRead: 0.025 };
const USAGE = { input: 1_200, output: 40, reasoning: 16 };
const BOOT_MS = 180_000;
const QUIET_MS = 6_000;
const QUIET_WITHIN_MS = 90_000;

const REFUSED: Task = () => ({ error: { status: 400, message: "no such thing" } });
/** Each in a session of its own, one task a turn. */
const PLAYED = {
  plain: SCENARIOS["plain turn"],
  tool: SCENARIOS["tool call"],
  "failing-tool": SCENARIOS["failing tool"],
  "failing-call": { turns: ["REFUSED"], tasks: { REFUSED } },
  "sub-agent": SCENARIOS["sub-agent, detached"],
  cached: SCENARIOS["cached prompt"],
  /** A message that a user typed: it comes through a channel. */
  chat: SCENARIOS["plain turn"],
};

const captureContent = process.argv[2] === "content";
const played = captureContent ? { tool: PLAYED.tool } : PLAYED;
const openclaw = await ensureOpenclaw(undefined, console.error);
const plugin = join(dirname(openclaw.entry), "dist", "extensions", "diagnostics-otel");
if (!existsSync(plugin)) throw new Error(`openclaw ${openclaw.version} has no diagnostics-otel: put the plugin into ${plugin}`);

const answer = scriptOf(Object.assign({}, ...Object.values(PLAYED).map((scenario) => scenario?.tasks)));
const script: Script = async (request, n) => {
  const plan = await answer(request, n);
  return plan.error === undefined ? { ...plan, usage: { ...USAGE, ...plan.usage } } : plan;
};

const provider = await startProvider({ prices: PRICES, script });
const recording = startRecording();
const requests = (signal: string) =>
  recording.records.flatMap((record) => (record.kind === "otlp" && record.signal === signal ? [record.body as TracesJson] : []));
const sinkPort = await freePort();
const sink = await startOtlpSink(sinkPort, recording);

const port = await freePort();
const base = baseConfig(port);
const model = { id: MODEL, name: MODEL, cost: { ...PRICES, cacheWrite: 0 }, contextWindow: 128_000, maxTokens: 8_192 };
const endpoint = `http://127.0.0.1:${sinkPort}`;
const home = openclawHome({
  ...base,
  models: {
    ...base.models,
    providers: { openai: { baseUrl: `${provider.url}/v1`, apiKey: "fake-key", api: "openai-completions", models: [model] } },
  },
  agents: { defaults: { ...base.agents.defaults, model: { primary: `openai/${MODEL}` }, heartbeat: { every: "24h" } } },
  plugins: { allow: ["diagnostics-otel"], entries: { "diagnostics-otel": { enabled: true } } },
  diagnostics: {
    enabled: true,
    otel: {
      enabled: true,
      endpoint,
      protocol: "http/protobuf",
      traces: true,
      metrics: true,
      logs: true,
      captureContent,
      flushIntervalMs: 1_000,
    },
  },
});

try {
  const gateway = await startGateway(openclaw, home, port, BOOT_MS);
  try {
    for (const [name, scenario] of Object.entries(played)) {
      for (const task of scenario?.turns ?? []) {
        const sessionKey = `agent:main:${name}`;
        const message = `please ${task}`;
        const { status } =
          name === "chat"
            ? await gateway.client.request<{ status: string }>("chat.send", { sessionKey, message, idempotencyKey: crypto.randomUUID() })
            : await gateway.turn(message, { sessionKey });
        await quiet();
        console.error(`${name}: ${task} ${status}, ${provider.ledger.length} calls, ${requests("traces").length} requests of spans`);
      }
    }
  } finally {
    await gateway.stop();
  }
} finally {
  await Promise.all([sink.close(), provider.close()]);
  home.remove();
}

const { version: pluginVersion } = JSON.parse(readFileSync(join(plugin, "package.json"), "utf8")) as { version: string };
const today = new Date().toISOString().slice(0, 10);
const about = `Recorded ${today} by tests/agents/emitters/record-openclaw-diagnostics.ts, from OpenClaw ${openclaw.version} with diagnostics-otel ${pluginVersion}.`;
const served = provider.ledger
  .filter(({ path }) => path === "/v1/chat/completions")
  .map(({ status, usage, costNanousd, headers }) => ({
    status,
    usage,
    cost_nusd: costNanousd,
    is_traced: headers.traceparent !== undefined,
  }));
const body = JSON.stringify(stable(requests("traces"), [home.dir]), (key, value) => (key === "attributes" ? value.filter(isKept) : value));
writeFileSync(
  join(
    import.meta.dirname,
    "..",
    "..",
    "fixtures",
    "dialects",
    `openclaw-diagnostics-otel-${openclaw.version}${captureContent ? "-content" : ""}.json`,
  ),
  `${JSON.stringify({ about, served, body: JSON.parse(body) }, null, 1)}\n`,
);
console.error(
  `beside the spans ${requests("logs").length} requests of logs and ${requests("metrics").length} of metrics, which are not kept`,
);

function isKept({ key }: { key: string }): boolean {
  return !key.endsWith("tool.definitions") && !key.endsWith("tool_definitions");
}

/** Waits until neither the model is asked nor spans come: sub-agents and their announcements go on after a turn. */
async function quiet(): Promise<void> {
  const deadline = Date.now() + QUIET_WITHIN_MS;
  for (let last = "", at = Date.now(); Date.now() - at < QUIET_MS; await sleep(200)) {
    if (Date.now() > deadline) throw new Error(`OpenClaw is still at work after ${QUIET_WITHIN_MS / 1000} s`);
    const seen = `${provider.ledger.length} ${turnSpans()}`;
    if (seen !== last) [last, at] = [seen, Date.now()];
  }
}

/** How many there are of turns: the gateway's own requests go on for ever. */
function turnSpans(): number {
  const scopes = requests("traces").flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans ?? []));
  const names = scopes.flatMap(({ spans }) => spans ?? []).map(({ name }) => String(name));
  return names.filter((name) => !name.startsWith("openclaw.gateway.rpc.")).length;
}
