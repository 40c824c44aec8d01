import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type GatewayClient, gatewayClient } from "./gateway-client.ts";
import type { InstalledOpenclaw } from "./install.ts";

/** A folder that is OpenClaw's whole world: HOME, TMPDIR and workspace. */
export interface OpenclawHome {
  dir: string;
  home: string;
  configPath: string;
  env: NodeJS.ProcessEnv;
  remove(): void;
}

const TOKEN = "token-of-a-test-gateway";

/** What a test gateway needs to run without looking out: loopback, no updates, no catalog refresh, no channels. */
export const baseConfig = (port: number) => ({
  gateway: { mode: "local", port, bind: "loopback", auth: { mode: "token", token: TOKEN } },
  update: { checkOnStart: false },
  models: { catalogRefresh: { enabled: false }, providers: {} },
  agents: { defaults: { skipBootstrap: true } },
  tools: { exec: { security: "full", ask: "off" } },
});

/** Makes the folder and writes `config` as its openclaw.json. */
export function openclawHome(config: object, env: Record<string, string> = {}): OpenclawHome {
  const dir = mkdtempSync(join(tmpdir(), "signalbox-openclaw-"));
  const home = join(dir, "home");
  mkdirSync(join(home, ".openclaw"), { recursive: true });
  mkdirSync(join(dir, "tmp"));
  const configPath = join(home, ".openclaw", "openclaw.json");
  writeFileSync(configPath, `${JSON.stringify(config, null, 2)}\n`);
  return {
    dir,
    home,
    configPath,
    // Nothing of the caller's environment: no real key, proxy or OTEL_* variable may reach the agent.
    env: { NODE_ENV: "production", PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home, TMPDIR: join(dir, "tmp"), ...env },
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
}

export interface Gateway {
  client: GatewayClient;
  pid: number;
  /** Runs one turn to its end. Throws where it does not end in `timeoutMs`. */
  turn(message: string, options?: { sessionKey?: string; timeoutMs?: number }): Promise<TurnResult>;
  log(): string;
  stop(): Promise<void>;
}

export interface TurnResult {
  runId: string;
  status: string;
  seconds: number;
}

/** Starts `openclaw gateway` and connects to it. Throws with the end of its log where it is not up in `timeoutMs`. */
export async function startGateway(openclaw: InstalledOpenclaw, home: OpenclawHome, port: number, timeoutMs = 90_000): Promise<Gateway> {
  const logPath = join(home.dir, "gateway.log");
  const child = spawn(process.execPath, [openclaw.entry, "gateway", "run"], {
    cwd: home.dir,
    env: home.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const logFile = createWriteStream(logPath, { flags: "a" });
  child.stdout.pipe(logFile);
  child.stderr.pipe(logFile);
  const log = () => readFileSync(logPath, "utf8");

  const deadline = Date.now() + timeoutMs;
  let client: GatewayClient | undefined;
  while (client === undefined) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`the OpenClaw gateway did not come up:\n${log().slice(-3_000)}`);
    }
    await sleep(250);
    client = await gatewayClient(`ws://127.0.0.1:${port}`, TOKEN).catch(() => undefined);
  }
  const connected = client;

  return {
    client: connected,
    pid: child.pid ?? 0,
    log,
    async turn(message, { sessionKey = "agent:main:main", timeoutMs: turnTimeout = 60_000 } = {}) {
      const start = performance.now();
      const accepted = await connected.request<{ runId: string }>("agent", { message, sessionKey, idempotencyKey: crypto.randomUUID() });
      const ended = await connected.request<{ status: string }>(
        "agent.wait",
        { runId: accepted.runId, timeoutMs: turnTimeout },
        turnTimeout + 5_000,
      );
      return { runId: accepted.runId, status: ended.status, seconds: (performance.now() - start) / 1000 };
    },
    async stop() {
      connected.close();
      await stopProcess(child);
    },
  };
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await exited;
  clearTimeout(timer);
}
