/**
 * A newcomer's way with each real agent, as commands with their seconds: from `npm start` to the first own turn on the Sessions page, then
 * that history imported. The model is scripted; all else is what a user types. Its output is NEWCOMER.md.
 *
 *     node tests/agents/newcomer.ts [agent…]
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../support/free-port.ts";
import { startProvider } from "../support/provider.ts";
import { ensureCli } from "./capture/install.ts";
import { baseConfig, openclawHome, startGateway } from "./openclaw/gateway.ts";
import { ensureOpenclaw } from "./openclaw/install.ts";

const ROOT = join(import.meta.dirname, "../..");
const SIGNALBOX = join(ROOT, "plugins/cli/bin/signalbox.mjs");
const MODELS = ["claude-sonnet-4-5", "gpt-5-codex", "scripted"];
const run = promisify(execFile);
const named = process.argv.slice(2);
const wanted = (agent: string) => named.length === 0 || named.includes(agent);

const [claude, codex, openclaw] = [
  await ensureCli("claude", "@anthropic-ai/claude-code", "2.1.329"),
  await ensureCli("codex", "@openai/codex", "0.169.0"),
  await ensureOpenclaw(undefined, console.error),
];
const provider = await startProvider({ script: () => ({ text: "Hello from the scripted model." }), prices: { input: 3, output: 15 } });
const dir = mkdtempSync(join(tmpdir(), "signalbox-newcomer-"));
const bin = join(dir, "bin");
mkdirSync(bin);
symlinkSync(claude.bin, join(bin, "claude"));
symlinkSync(codex.bin, join(bin, "codex"));
writeFileSync(join(bin, "openclaw"), `#!/bin/sh\nexec "${process.execPath}" "${openclaw.entry}" "$@"\n`, { mode: 0o755 });
const gatewayPort = await freePort();
const home = openclawHome({
  ...baseConfig(gatewayPort),
  agents: { defaults: { skipBootstrap: true, model: { primary: "direct/direct" } } },
  models: {
    catalogRefresh: { enabled: false },
    providers: {
      direct: { baseUrl: `${provider.url}/v1`, apiKey: "fake-key", api: "openai-completions", models: [{ id: "direct", name: "direct" }] },
    },
  },
});
const project = join(home.home, "project");
// who has run claude before has this folder: registering without it says so
for (const folder of [project, join(home.home, ".claude")]) mkdirSync(folder);
const config = join(dir, "signalbox.config.yaml");
const offers = MODELS.map((id) => `{ id: ${id}, tier: 2, input_usd_per_mtok: 3, output_usd_per_mtok: 15 }`);
writeFileSync(
  config,
  `pools:
  - { name: scripted, silicon: cloud, engine: openai-compatible, base_url: "${provider.url}/v1", models: [${offers.join(", ")}], slots: 8 }
models:
  auto: { any_of: [scripted] }
`,
);
const names = ["OTLP", "OTLP_GRPC", "SCHEDULER", "WEB", "POSTGRES"];
const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [`SIGNALBOX_${name}_PORT`, String(await freePort())])));
const env: NodeJS.ProcessEnv = {
  ...home.env,
  PATH: `${bin}:${home.env.PATH}`,
  SIGNALBOX_CONFIG: config,
  ...ports,
  OPENAI_API_KEY: "users-own-key",
  ANTHROPIC_API_KEY: "users-own-key",
  DISABLE_AUTOUPDATER: "1",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost",
};

const seconds = (from: number) => ((performance.now() - from) / 1000).toFixed(1);
const say = (what: string, took: string, seen = "") =>
  console.log(`| ${what} | ${took} | ${seen.trim().replaceAll(/\s*\n\s*/g, "<br>")} |`);

async function type(command: string, file: string, args: string[], read: (out: string) => string): Promise<void> {
  const from = performance.now();
  const child = run(file, args, { cwd: project, env, timeout: 120_000 });
  child.child.stdin?.end();
  const { stdout } = await child.catch((error: { stdout: string; stderr: string }) => ({
    stdout: `FAILED ${error.stdout}${error.stderr}`,
  }));
  say(`\`${command}\``, seconds(from), stdout.startsWith("FAILED") ? stdout.slice(0, 900) : read(stdout));
}
const signalbox = (args: string, read = (out: string) => out) =>
  type(`npx signalbox ${args}`, process.execPath, [SIGNALBOX, ...args.split(" ")], read);

/** Until the Sessions page's own source has a session of that agent with a call. */
async function sessionSeen(kind: string): Promise<void> {
  const from = performance.now();
  const authorization = `Bearer ${readFileSync(join(home.home, ".signalbox/token"), "utf8").trim()}`;
  for (; performance.now() - from < 30_000; await sleep(50)) {
    const response = await fetch(`http://127.0.0.1:${ports.SIGNALBOX_WEB_PORT}/api/v1/sessions`, { headers: { authorization } });
    const { data } = (await response.json()) as { data: { agent_kind: string; session_id: string; calls: number; cost_usd: number }[] };
    const found = data.find((session) => session.agent_kind === kind && session.calls > 0);
    if (found === undefined) continue;
    say("on the Sessions page", `+${seconds(from)}`, `${found.session_id}: ${found.calls} call, ${found.cost_usd} USD`);
    return;
  }
  say("on the Sessions page", "never", `no session of ${kind} within 30 s`);
}

console.log("| typed | seconds | seen |\n|---|---|---|");
const started = performance.now();
const install = spawn(process.execPath, [SIGNALBOX, "up", "--json"], { cwd: ROOT, env, stdio: ["ignore", "pipe", "inherit"] });
const exited = once(install, "exit");
let ready = "";
for await (const chunk of install.stdout) {
  ready += chunk;
  if (ready.includes("\n")) break;
}
try {
  say("`npm start`", seconds(started), (JSON.parse(ready) as { dashboard_url: string }).dashboard_url.replace(/=.*/, "=…"));

  const said = (out: string) =>
    out
      .split("\n")
      .filter((line) => /✓|!|→/.test(line))
      .join("\n");
  if (wanted("claude-code")) {
    await signalbox("register claude-code --trust-hooks", said);
    await type('claude -p "hello"', "claude", ["-p", "hello", "--model", "claude-sonnet-4-5"], (out) => out);
    await sessionSeen("claude-code");
  }
  if (wanted("codex")) {
    await signalbox("register codex", said);
    await type('codex exec "hello"', "codex", ["exec", "--skip-git-repo-check", "--model", "gpt-5-codex", "hello"], (out) => out);
    await sessionSeen("codex");
  }
  if (wanted("openclaw")) {
    await signalbox("register openclaw", said);
    const booting = performance.now();
    const gateway = await startGateway(openclaw, home, gatewayPort, 240_000);
    say("`openclaw gateway`, until it answers", seconds(booting));
    const turn = await gateway.turn("hello");
    say("a message to the gateway", turn.seconds.toFixed(1), turn.status);
    await sessionSeen("openclaw");
    await signalbox("doctor openclaw", said);
    await gateway.stop();
  }

  await signalbox("import");
  await signalbox("import --json", (out) => out);
  const api = await fetch(`http://127.0.0.1:${ports.SIGNALBOX_WEB_PORT}/api/v1/sessions`, {
    headers: { authorization: `Bearer ${readFileSync(join(home.home, ".signalbox/token"), "utf8").trim()}` },
  });
  const { data } = (await api.json()) as { data: { agent_kind: string; calls: number; turns: number }[] };
  say(
    "sessions after the import",
    "",
    data.map(({ agent_kind, calls, turns }) => `${agent_kind}: ${calls} calls, ${turns} turns`).join("\n"),
  );
  say("calls that the provider served", "", String(provider.ledger.filter(({ path }) => path.endsWith("/chat/completions")).length));
} finally {
  install.kill("SIGINT");
  await exited;
  await provider.close();
  home.remove();
  rmSync(dir, { recursive: true, force: true });
}
