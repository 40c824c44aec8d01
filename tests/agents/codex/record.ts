/**
 * Captures what the real Codex sends, scenario by scenario, into tests/fixtures/codex/<version>/.
 *
 *     node tests/agents/codex/record.ts [scenario…]
 *
 * The CLI is installed from npm (about 400 MB) into a folder of its own and runs isolated against a scripted provider, an OTLP
 * sink and a hook sink on loopback; all else goes to a proxy that refuses it and writes it down. Environment:
 * SIGNALBOX_CODEX_VERSION another version, SIGNALBOX_AGENTS_DIR where to install, SIGNALBOX_CAPTURE_PORT the first of four
 * ports (default 27420), TMPDIR where the agent's HOME is made.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunRecord } from "../capture/fixture-format.ts";
import { ensureCli } from "../capture/install.ts";
import { FORWARD_HOOK } from "../capture/machine.ts";
import { recordAgent } from "../capture/record-agent.ts";
import { startedThread } from "./cli.ts";
import { configFile, hooksFile } from "./config.ts";
import { SCENARIOS } from "./scenarios.ts";
import { responsesProvider } from "./script.ts";
import { KEEP, trimTelemetry } from "./trim.ts";

await recordAgent({
  agent: "codex",
  cli: await ensureCli("codex", "@openai/codex", process.env.SIGNALBOX_CODEX_VERSION ?? "0.169.0"),
  scenarios: SCENARIOS,
  port: 27_420,
  provider: responsesProvider,
  isCall: (path) => path.endsWith("/responses"),
  prepare(machine, urls, { otlpProtocol = "json" }) {
    const config = join(machine.home, ".codex");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "config.toml"), configFile(urls, otlpProtocol));
    writeFileSync(join(config, "hooks.json"), hooksFile(urls.hooks, FORWARD_HOOK));
    writeFileSync(join(machine.project, "AGENTS.md"), "# Project memory\n\nThe favourite colour is teal.\n");
  },
  args: ({ prompt, resume, args = [] }, before) => [
    "exec",
    "--json",
    "--skip-git-repo-check",
    // Hooks of a fresh HOME are untrusted and would silently not run.
    "--dangerously-bypass-hook-trust",
    ...args,
    ...(resume ? ["resume", threadOf(before)] : []),
    prompt,
  ],
  env: () => ({ SCRIPTED_API_KEY: "fake-key" }),
  transcripts: ".codex/sessions",
  keep: KEEP,
  trim: trimTelemetry,
});

function threadOf(run: RunRecord | undefined): string {
  const thread = startedThread(run?.stdout ?? "");
  if (thread === undefined) throw new Error("the run before named no thread to resume");
  return thread;
}
