/** What the admission tests share: a scheduler before one scripted provider, calls to it, and a Postgres that can go away. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net, { type AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { startScheduler } from "../../scheduler/src/app.ts";
import { parseConfig } from "../../scheduler/src/config.ts";
import { createLog } from "../../scheduler/src/log.ts";
import { freePort } from "../support/free-port.ts";
import { ready } from "./scheduler-support.ts";

export const TOKEN = "admin-token";
const MAIN = fileURLToPath(new URL("../../scheduler/src/main.ts", import.meta.url));

/** One pool of 1 USD in and 4 USD out per million tokens. */
export const poolConfig = (providerUrl: string, more = "", slots = 128): string => `
pools:
  - name: cloud
    silicon: cloud
    engine: openai-compatible
    base_url: ${providerUrl}/v1
    slots: ${slots}
    queue_limit: 200
    models: [{ id: scripted, input_usd_per_mtok: 1, output_usd_per_mtok: 4 }]
${more}`;

export interface Gateway {
  url: string;
  log: string[];
  close(): Promise<void>;
}

export async function startGateway(config: string, databaseUrl?: string): Promise<Gateway> {
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-admission-"));
  const log: string[] = [];
  const scheduler = await startScheduler({
    config: parseConfig(config, "test config", {}),
    home,
    token: TOKEN,
    otlpEndpoint: "http://127.0.0.1:9",
    ...(databaseUrl !== undefined && { databaseUrl }),
    log: createLog((line) => log.push(line)),
    limits: { drainMs: 500 },
  });
  return {
    url: scheduler.url,
    log,
    async close() {
      await scheduler.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The scheduler as a process of its own, which a test can kill. */
export async function spawnGateway(config: string, databaseUrl: string): Promise<{ url: string; child: ChildProcess; home: string }> {
  const home = await mkdtemp(path.join(os.tmpdir(), "signalbox-admission-"));
  const file = path.join(home, "signalbox.config.yaml");
  await writeFile(file, config);
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "test",
      SIGNALBOX_HOME: home,
      SIGNALBOX_CONFIG: file,
      SIGNALBOX_SCHEDULER_PORT: String(port),
      SIGNALBOX_TOKEN: TOKEN,
      SIGNALBOX_OTLP_ENDPOINT: "http://127.0.0.1:9",
      DATABASE_URL: databaseUrl,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    try {
      await ready(url);
      return { url, child, home };
    } catch (error) {
      if (tries > 600 || child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

export interface CallOptions {
  session?: string;
  agent?: string;
  parent?: string;
  maxTokens?: number;
  stream?: boolean;
  headers?: Record<string, string>;
  text?: string;
}

export function chat(
  url: string,
  { session = "s1", agent, parent, maxTokens = 100, stream = false, headers, text = "hi" }: CallOptions = {},
) {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${TOKEN}`,
      "x-signalbox-session": session,
      ...(agent !== undefined && { "x-signalbox-agent": agent }),
      ...(parent !== undefined && { "x-signalbox-parent-agent": parent }),
      ...headers,
    },
    body: JSON.stringify({ model: "scripted", max_tokens: maxTokens, stream, messages: [{ role: "user", content: text }] }),
  });
}

export interface ErrorBody {
  error: { message: string; code: string; type: string };
}

export async function refusal(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { error } = (await response.json()) as ErrorBody;
  return { status: response.status, code: error.code, message: error.message };
}

export async function control(
  url: string,
  method: string,
  at: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/control${at}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A door before Postgres that can be shut: connections are cut, and refused until it opens again. `hang` leaves them open and mute. */
export async function startDoor(
  databaseUrl: string,
): Promise<{ url: string; shut(): void; hang(): void; open(): Promise<void>; close(): void }> {
  const target = new URL(databaseUrl);
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  const shut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    shut,
    hang() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async open() {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    close: shut,
  };
}

export async function ask<Row>(databaseUrl: string, statement: string): Promise<Row[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    return (await sql.unsafe(statement)) as unknown as Row[];
  } finally {
    await sql.end();
  }
}
