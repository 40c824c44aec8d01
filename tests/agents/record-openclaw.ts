/**
 * Captures what the real OpenClaw tells its plugins, scenario by scenario, into tests/fixtures/openclaw/<version>/.
 *
 *     node tests/agents/record-openclaw.ts [scenario…]
 *
 * OpenClaw is installed from npm into a folder of its own and runs isolated against a scripted model on loopback. A fixture is
 * one JSON object a line: first a header (version, date, command, what the turn was), then the records of
 * `openclaw/recorder-plugin`. Secrets and paths of this machine are taken out.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { redactValue } from "@signalbox/otel/redact";
import { freePort } from "../support/free-port.ts";
import { type Script, startProvider } from "../support/provider.ts";
import { baseConfig, type Gateway, openclawHome, startGateway } from "./openclaw/gateway.ts";
import { ensureOpenclaw } from "./openclaw/install.ts";
import { SCENARIOS as SUITE, scriptOf } from "./openclaw/scenarios.ts";
import { openclawScript } from "./openclaw/script.ts";

interface Scenario {
  message: string;
  sessionKey: string;
  /** The suite's scenario of this name in place of `message`: its turns, and what the model says to them. */
  suite?: string;
  /** Milliseconds after which the session is aborted; left out: the turn ends by itself. */
  abortAfterMs?: number;
}

const SCENARIOS: Record<string, Scenario> = {
  "plain-turn": { message: "hello", sessionKey: "agent:main:telegram:direct:123" },
  "exec-tool": { message: "please EXEC_IT", sessionKey: "agent:main:main" },
  "failing-tool": { message: "please READ_FAILS", sessionKey: "agent:main:main" },
  "parallel-tools": { message: "please PARALLEL_IT", sessionKey: "agent:main:slack:channel:c42" },
  "tool-search": { message: "please SEARCH_IT", sessionKey: "agent:main:main" },
  "spawned-sub-agent": { message: "please EXEC_AND_SPAWN", sessionKey: "agent:main:main" },
  "parallel-sub-agents": { message: "please SPAWN_TWO", sessionKey: "agent:main:telegram:group:-100:topic:42" },
  cron: { message: "hello", sessionKey: "agent:main:cron:nightly:run:r1" },
  aborted: { message: "please SLOW_IT", sessionKey: "agent:main:main", abortAfterMs: 2_500 },
  "aborted-in-tool": { message: "please EXEC_LONG", sessionKey: "agent:main:main", abortAfterMs: 3_000 },
  "nested-sub-agents": { suite: "nested sub-agents", message: "", sessionKey: "agent:main:main" },
  "retry-429": { suite: "retry after 429", message: "", sessionKey: "agent:main:main" },
  "cached-prompt": { suite: "cached prompt", message: "", sessionKey: "agent:main:main" },
  compaction: { suite: "compaction", message: "", sessionKey: "agent:main:telegram:direct:456" },
  "model-replaced": { suite: "model replaced by the gateway", message: "", sessionKey: "agent:main:main" },
  memory: { suite: "memory file written, edited, read and fetched", message: "", sessionKey: "agent:main:main" },
  "refused-400": { message: "please REFUSE_IT", sessionKey: "agent:main:main" },
  "aborted-tree": { message: "please SPAWN_SLOW", sessionKey: "agent:main:main", abortAfterMs: 4_000 },
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in SCENARIOS));
if (unknown !== undefined) throw new Error(`no scenario ${unknown}; there are ${Object.keys(SCENARIOS).join(", ")}`);

const openclaw = await ensureOpenclaw(undefined, console.error);
let script: Script = openclawScript;
const provider = await startProvider({ script: (request, n) => script(request, n) });
const port = await freePort();
const config = baseConfig(port);
const model = {
  id: "scripted",
  name: "scripted",
  cost: { input: 1, output: 4, cacheRead: 0.1, cacheWrite: 0 },
  contextWindow: 128_000,
  maxTokens: 4_096,
};
const home = openclawHome({
  ...config,
  models: {
    ...config.models,
    providers: { scripted: { baseUrl: `${provider.url}/v1`, apiKey: "fake-key", api: "openai-completions", models: [model] } },
  },
  agents: { defaults: { ...config.agents.defaults, model: { primary: "scripted/scripted" }, subagents: { maxSpawnDepth: 3 } } },
  plugins: {
    load: { paths: [join(import.meta.dirname, "openclaw", "recorder-plugin")] },
    entries: { "signalbox-recorder": { enabled: true, hooks: { allowConversationAccess: true } } },
  },
});
const recordPath = join(home.dir, "record.jsonl");
home.env.SIGNALBOX_RECORD = recordPath;

const outDir = join(import.meta.dirname, "..", "fixtures", "openclaw", openclaw.version);
mkdirSync(outDir, { recursive: true });

const gateway = await startGateway(openclaw, home, port);
try {
  await gateway.turn("warm up");
  await settled();
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    renameSync(recordPath, `${recordPath}.before-${name}`);
    await play(gateway, scenario);
    await settled();
    const lines = writeFixture(name, scenario);
    console.error(`${name}: ${lines} records`);
  }
} finally {
  await gateway.stop();
  await provider.close();
  home.remove();
}

async function play(gateway: Gateway, scenario: Scenario): Promise<void> {
  const { sessionKey, suite } = scenario;
  script = openclawScript;
  if (suite !== undefined) {
    const { turns, tasks } = SUITE[suite] ?? { turns: [], tasks: {} };
    script = scriptOf(tasks);
    for (const task of turns) {
      await settled();
      if (task === "/compact") await gateway.client.request("sessions.compact", { key: sessionKey }, 60_000);
      else await gateway.turn(`please ${task}`, { sessionKey });
    }
    return;
  }
  const turn = gateway.turn(scenario.message, { sessionKey: scenario.sessionKey });
  if (scenario.abortAfterMs !== undefined) {
    await sleep(scenario.abortAfterMs);
    await gateway.client.request("sessions.abort", { key: scenario.sessionKey, clearQueued: true });
  }
  await turn;
}

/** Waits until nothing was recorded for three seconds: sub-agents and their announcements go on after the turn. */
async function settled(): Promise<void> {
  for (let last = -1, quiet = 0; quiet < 6; ) {
    await sleep(500);
    const size = existsSync(recordPath) ? readFileSync(recordPath).length : 0;
    quiet = size === last ? quiet + 1 : 0;
    last = size;
  }
}

function writeFixture(name: string, scenario: Scenario): number {
  const text = readFileSync(recordPath, "utf8").replaceAll(home.dir, "/tmp/openclaw").replaceAll(provider.url, "http://127.0.0.1:4320");
  const records = text
    .trim()
    .split("\n")
    .map((line) => JSON.stringify(redactValue(JSON.parse(line))));
  const header = {
    fixture: name,
    agent: "openclaw",
    version: openclaw.version,
    captured: new Date().toISOString(),
    command: `node tests/agents/record-openclaw.ts ${name}`,
    ...scenario,
  };
  writeFileSync(join(outDir, `${name}.jsonl`), `${[JSON.stringify(header), ...records].join("\n")}\n`);
  return records.length;
}
