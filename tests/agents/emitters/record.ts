/**
 * Records what emitters of other people's dialects really send, into tests/fixtures/dialects/<name>-recorded.json:
 *
 *     node tests/agents/emitters/record.ts [name …]
 *
 * Each is installed from npm into a folder of its own and runs a program of programs/ against the scripted provider. A fixture is one
 * ExportTraceServiceRequest; times, ids and this machine's names are made stable, so that a second recording differs only where the
 * emitter does.
 */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { type Script, startProvider } from "../../support/provider.ts";
import { startEmbeddingsProvider } from "../../support/provider-embeddings.ts";
import { decode } from "../capture/otlp-sink.ts";
import { agentsDir } from "../openclaw/install.ts";
import { stable, type TracesJson } from "./stable.ts";

const run = promisify(execFile);
const OPENTELEMETRY = ["@opentelemetry/api@1.9.0", "@opentelemetry/sdk-node@0.203.0", "@opentelemetry/exporter-trace-otlp-proto@0.203.0"];
const EMITTERS: Record<string, string[]> = {
  langfuse: ["@langfuse/otel@5.11.1", "@langfuse/tracing@5.11.1", "@langfuse/openai@5.11.1", "openai@6.49.0", ...OPENTELEMETRY],
  "vercel-ai": ["ai@7.0.173", "@ai-sdk/openai@4.0.118", "@ai-sdk/otel@1.0.173", "zod@4.6.7", ...OPENTELEMETRY],
  openllmetry: ["@traceloop/node-server-sdk@0.27.0", "openai@6.49.0"],
  openinference: [
    "@arizeai/openinference-instrumentation-openai@4.2.7",
    "@arizeai/openinference-core@2.7.1",
    "openai@6.49.0",
    ...OPENTELEMETRY,
  ],
};

/** The first turn asks for the tool, the next answers; each call says the same of what it took, so that a sum shows who was counted twice. */
const script: Script = ({ body }) => {
  const messages = (body.messages ?? []) as { role: string }[];
  const usage = { input: 1200, cacheRead: 1024, output: 40, reasoning: 16 };
  const wantsTool = body.tools !== undefined && messages.every(({ role }) => role !== "tool");
  if (wantsTool) return { toolCalls: [{ id: "call_1", name: "weather", arguments: { city: "Paris" } }], usage };
  return { text: "It will rain all day, take an umbrella.", model: "gpt-5-mini-2025-08-07", usage };
};

async function record(name: string): Promise<void> {
  const packages = EMITTERS[name];
  if (packages === undefined) throw new Error(`no emitter ${name}: there are ${Object.keys(EMITTERS).join(", ")}`);
  const dir = join(agentsDir(), `emitter-${name}`);
  const wanted = JSON.stringify(packages);
  const mark = join(dir, "installed");
  if (!existsSync(mark) || readFileSync(mark, "utf8") !== wanted) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "package.json"), '{ "private": true, "type": "module" }\n');
    // the emitters' peer ranges contradict each other
    await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", ...packages], { cwd: dir });
    writeFileSync(mark, wanted);
  }
  const program = join(dir, `${name}.mjs`);
  copyFileSync(join(import.meta.dirname, "programs", `${name}.mjs`), program);

  const provider = await startProvider({ script });
  const embeddings = await startEmbeddingsProvider();
  const bodies: TracesJson[] = [];
  const sink = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const isTraces = request.url?.endsWith("/v1/traces") === true;
      const sent = Buffer.concat(chunks);
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
      const isJson = request.headers["content-type"]?.includes("json") === true;
      if (isTraces) bodies.push((isJson ? JSON.parse(body.toString()) : decode("traces", body)) as TracesJson);
      response.writeHead(isTraces ? 200 : 404, { "content-type": isJson ? "application/json" : "application/x-protobuf" });
      response.end(isJson ? "{}" : undefined);
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  try {
    const env: NodeJS.ProcessEnv = {
      NODE_ENV: "production",
      PATH: process.env.PATH,
      HOME: dir,
      PROVIDER_URL: provider.url,
      EMBEDDINGS_URL: embeddings.url,
      OTEL_SERVICE_NAME: "weather",
      OTLP_URL: `http://127.0.0.1:${(sink.address() as AddressInfo).port}`,
      TRACELOOP_TELEMETRY: "false",
    };
    await run(process.execPath, [program], { cwd: dir, env, timeout: 60_000 });
  } finally {
    sink.close();
    sink.closeAllConnections();
    await Promise.all([provider.close(), embeddings.close()]);
  }
  const date = new Date().toISOString().slice(0, 10);
  const about = `Recorded ${date} by tests/agents/emitters/record.ts ${name}, from ${packages.filter((one) => !one.startsWith("@opentelemetry")).join(", ")}.`;
  const fixture = { about, served: provider.ledger.map(({ usage }) => usage), body: stable(bodies, [dir]) };
  writeFileSync(
    join(import.meta.dirname, "..", "..", "fixtures", "dialects", `${name}-recorded.json`),
    `${JSON.stringify(fixture, null, 1)}\n`,
  );
  console.log(`${name}: ${provider.ledger.length} calls`);
}

const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : Object.keys(EMITTERS)) await record(name);
