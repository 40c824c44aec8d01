import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { freePort } from "./free-port.ts";
import { ensureWebBuild } from "./web-build.ts";

export interface Dashboard {
  url: string;
  /** The admin token: what the read API takes as bearer. */
  token: string;
  /** A fresh one-time link. */
  loginLink(): string;
  /** What it wrote on stderr. */
  log(): string;
  stop(): Promise<number | null>;
}

/** Nothing listens here: a scheduler or collector that is away, whatever else runs on this machine. */
const NOBODY = "http://127.0.0.1:9";

/** The built dashboard as a process of its own, as `npm start` runs it. `token` is what it says to the others too. */
export async function startDashboard(
  databaseUrl: string,
  {
    schedulerUrl = NOBODY,
    collectorUrl = NOBODY,
    token = randomBytes(16).toString("hex"),
  }: { schedulerUrl?: string; collectorUrl?: string; token?: string } = {},
): Promise<Dashboard> {
  const { serverJs } = await ensureWebBuild();
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-home-"));
  fs.mkdirSync(path.join(home, "login-tokens"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [serverJs], {
    env: {
      ...process.env,
      NODE_ENV: "production",
      NEXT_TELEMETRY_DISABLED: "1",
      PORT: String(port),
      HOSTNAME: "127.0.0.1",
      DATABASE_URL: databaseUrl,
      SIGNALBOX_TOKEN: token,
      SIGNALBOX_HOME: home,
      SIGNALBOX_SCHEDULER_URL: schedulerUrl,
      SIGNALBOX_OTLP_ENDPOINT: collectorUrl,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  await waitUntilAlive(child, url, () => log);
  return {
    url,
    token,
    loginLink: () => {
      const secret = randomBytes(32).toString("hex");
      fs.writeFileSync(path.join(home, "login-tokens", createHash("sha256").update(secret).digest("hex")), "");
      return `${url}/login?token=${secret}`;
    },
    log: () => log,
    stop: async () => {
      const code = await stop(child);
      fs.rmSync(home, { recursive: true, force: true });
      return code;
    },
  };
}

async function waitUntilAlive(child: ChildProcess, url: string, log: () => string): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (child.exitCode !== null) throw new Error(`the dashboard ended with code ${child.exitCode}: ${log()}`);
    const isAlive = await fetch(`${url}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isAlive) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the dashboard did not answer within 60 s: ${log()}`);
}

function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 5_000).unref();
  });
}

export interface Cable {
  /** The database's address, through the cable. */
  url: string;
  /** Postgres is gone: open connections break, new ones are refused. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

/** A TCP relay to a database that can be cut: the shared Postgres of a test run must stay up for the others. */
export async function layCable(databaseUrl: string): Promise<Cable> {
  const target = new URL(databaseUrl);
  const port = await freePort();
  const sockets = new Set<net.Socket>();
  const relay = net.createServer((socket) => {
    const upstream = net.connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  const mend = () => new Promise<void>((resolve, reject) => relay.once("error", reject).listen(port, "127.0.0.1", resolve));
  await mend();
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return {
    url: url.href,
    mend,
    cut: () =>
      new Promise((resolve) => {
        relay.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
