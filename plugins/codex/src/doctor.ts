import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { RegisterError, readText } from "@signalbox/otel/register";
import { parse } from "smol-toml";
import { get } from "./register/toml-format.ts";
import type { RegisterOptions } from "./register/types.ts";

type Place = Pick<RegisterOptions, "home" | "codexHome" | "codexBin">;

const TIMEOUT_MS = 120_000;

/** What is set up, in one line. Throws RegisterError where Codex is not registered, with what to do. */
export async function codexRegistration({ home, codexHome = join(home, ".codex") }: Place): Promise<{ detail: string; routed: boolean }> {
  const path = join(resolve(codexHome), "config.toml");
  const config = parse((await readText(path)) ?? "");
  const exported = get(config, ["otel", "trace_exporter", "otlp-http", "endpoint"]);
  if (typeof exported !== "string") throw new RegisterError(`${path} exports no telemetry; run: npx signalbox register codex`);
  const routed = get(config, ["model_provider"]) === "signalbox";
  if (routed !== (get(config, ["otel", "environment"]) === "signalbox")) {
    throw new RegisterError(
      `${path}: model_provider and otel.environment disagree, and calls would count twice or never; run: npx signalbox register codex`,
    );
  }
  const base = get(config, ["model_providers", "signalbox", "base_url"]);
  return { routed, detail: routed ? `calls go to ${String(base)}, telemetry to ${exported}` : `observed only, telemetry to ${exported}` };
}

/** Runs one small turn, in a folder of its own and with the user's account. Throws RegisterError with Codex's own words where it fails. */
export async function codexTurn({ home, codexHome, codexBin }: Place): Promise<{ sessionId: string; ms: number; detail: string }> {
  if (codexBin === undefined)
    throw new RegisterError("there is no codex on the PATH; install it (npm i -g @openai/codex), or name it in CODEX_BIN");
  const folder = await mkdtemp(join(tmpdir(), "signalbox-doctor-"));
  const startedAt = performance.now();
  try {
    const env = { ...process.env, HOME: home, ...(codexHome === undefined ? {} : { CODEX_HOME: codexHome }) };
    const args = ["exec", "--json", "--skip-git-repo-check", "--sandbox", "read-only", "Answer with the word OK, and use no tool."];
    const { code, stdout, stderr } = await runIn(folder, codexBin, args, env);
    const events = stdout.split("\n").flatMap((line): CodexEvent[] => (line.startsWith("{") ? [JSON.parse(line) as CodexEvent] : []));
    const failure = events.findLast(({ type }) => type === "turn.failed" || type === "error");
    const sessionId = events.find(({ type }) => type === "thread.started")?.thread_id;
    if (code !== 0 || sessionId === undefined) {
      const why = failure?.error?.message ?? failure?.message ?? stderr.trim().split("\n").at(-1) ?? "";
      throw new RegisterError(`codex exec ended with ${code}: ${why.slice(0, 300)}`);
    }
    const ms = performance.now() - startedAt;
    return { sessionId, ms, detail: `session ${sessionId} ended well in ${Math.round(ms)} ms` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface CodexEvent {
  type?: string;
  thread_id?: string;
  message?: string;
  error?: { message?: string };
}

function runIn(
  cwd: string,
  bin: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((fulfil, reject) => {
    const child = spawn(bin, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT_MS });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk));
    child.once("error", (error) => reject(new RegisterError(`cannot run ${bin}: ${error.message}`)));
    child.once("close", (code) => fulfil({ code, stdout, stderr }));
  });
}
