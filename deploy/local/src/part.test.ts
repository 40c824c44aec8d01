import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_PART_LIMITS, type Part, type PartEvent, type PartLimits, type PartSpec, startPart } from "./part.ts";
import { isAlive } from "./process-table.ts";

/** A service in one file: ready at once, and `GET /die` ends it with the exit code of the query. */
const SERVICE = `
  import http from "node:http";
  console.error(new Date().toISOString() + " warn toy hello");
  http.createServer((request, response) => {
    const url = new URL(request.url, "http://x");
    if (url.pathname === "/die") process.exit(Number(url.searchParams.get("code")));
    response.statusCode = url.pathname === "/readyz" ? 200 : 404;
    response.end();
  }).listen(Number(process.env.PORT), "127.0.0.1");
`;
const STUBBORN = `process.on("SIGTERM", () => {}); ${SERVICE.replaceAll("import http from", "const { default: http } = await import(").replace('"node:http";', '"node:http");')}`;

const limits: PartLimits = {
  ...DEFAULT_PART_LIMITS,
  readyDeadlineMs: 10_000,
  stopDeadlineMs: 300,
  backoffMs: 10,
  maxBackoffMs: 40,
  maxQuickDeaths: 3,
};

describe("startPart", { timeout: 30_000 }, () => {
  let folder: string;
  let port: number;
  let events: PartEvent[];
  let part: Part | undefined;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "signalbox-part-"));
    port = await freePort();
    events = [];
    part = undefined;
  });
  afterEach(async () => {
    await part?.stop();
    rmSync(folder, { recursive: true });
  });

  const spec = (source: string): PartSpec => {
    const script = join(folder, "toy.mjs");
    writeFileSync(script, source);
    const env: NodeJS.ProcessEnv = { NODE_ENV: "test", PATH: process.env.PATH, PORT: String(port) };
    return { name: "toy", args: [script], cwd: folder, env, address: `http://127.0.0.1:${port}`, logPath: join(folder, "toy.log") };
  };
  const kinds = () => events.map(({ kind }) => kind);
  const die = (code: number) => fetch(`http://127.0.0.1:${port}/die?code=${code}`).catch(() => {});
  const until = async (kind: PartEvent["kind"], count = 1) => {
    while (kinds().filter((seen) => seen === kind).length < count) await sleep(10);
  };

  it("waits until it is ready, keeps its log, passes on warnings, stops it", async () => {
    part = await startPart(spec(SERVICE), (event) => events.push(event), limits);
    await until("warning");
    const pid = part.pid ?? 0;
    expect(isAlive(pid)).toBe(true);
    await part.stop();
    expect(isAlive(pid)).toBe(false);
    expect(kinds()).toEqual(["spawned", "warning"]);
    expect(readFileSync(join(folder, "toy.log"), "utf8")).toContain("warn toy hello");
  });

  it("steps back for other programs as it is told, and never forward", async () => {
    const niceness = Math.min(getPriority() + 4, 19);
    part = await startPart({ ...spec(SERVICE), niceness }, (event) => events.push(event), limits);
    expect(getPriority(part.pid)).toBe(niceness);
    await part.stop();
    part = await startPart({ ...spec(SERVICE), niceness: getPriority() - 1 }, (event) => events.push(event), limits);
    expect(getPriority(part.pid)).toBe(getPriority());
  });

  it("starts it again when it dies", async () => {
    part = await startPart(spec(SERVICE), (event) => events.push(event), limits);
    const first = part.pid;
    await die(3);
    await until("back");
    expect(events.find(({ kind }) => kind === "died")).toEqual({ kind: "died", how: "exit code 3", restartInMs: 10 });
    expect(part.pid).not.toBe(first);
  });

  it("gives up after quick deaths in a row, with its last lines", async () => {
    part = await startPart(spec(SERVICE), (event) => events.push(event), limits);
    for (let death = 1; death <= 3; death++) {
      await die(1);
      await until(death < 3 ? "back" : "gave-up", death < 3 ? death : 1);
    }
    expect(events.at(-1)).toMatchObject({ kind: "gave-up", deaths: 3, lastLines: [expect.stringContaining("warn toy hello")] });
    await sleep(100);
    expect(kinds().at(-1)).toBe("gave-up");
  });

  it("fails the start with its last words when it dies before it was ready", async () => {
    await expect(startPart(spec(`console.error("no such pool"); process.exit(1)`), (event) => events.push(event), limits)).rejects.toThrow(
      /The toy did not start \(exit code 1\)\. Its last words, from .*toy\.log:\n {4}no such pool/,
    );
    expect(kinds()).toEqual(["spawned"]);
  });

  it("fails the start with nothing but the part's own words when those speak to the user", async () => {
    const source = `console.error("2026-01-01T00:00:00.000Z error toy port 4318 is taken (SIGNALBOX_OTLP_PORT)"); process.exit(98)`;
    await expect(startPart(spec(source), () => {}, limits)).rejects.toThrow(/^port 4318 is taken \(SIGNALBOX_OTLP_PORT\)$/);
  });

  it("fails the start of one that is never ready, and ends it", async () => {
    const source = SERVICE.replace("? 200 : 404", "? 503 : 404").replace("response.end()", `response.end('{"reason":"no database"}')`);
    await expect(startPart(spec(source), (event) => events.push(event), { ...limits, readyDeadlineMs: 6000 })).rejects.toThrow(
      "not ready after 6 s: no database",
    );
    const [spawned] = events;
    expect(spawned?.kind === "spawned" && isAlive(spawned.pid)).toBe(false);
  });

  it("kills one that ignores SIGTERM, with the workers it forked", async () => {
    const forking = `import { spawn } from "node:child_process";
      const worker = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
      console.log("worker " + worker.pid);
      ${STUBBORN}`;
    part = await startPart(spec(forking), (event) => events.push(event), limits);
    // what it prints comes by another way than that it is ready
    const workerOf = () => /worker (\d+)/.exec(readFileSync(join(folder, "toy.log"), "utf8"))?.[1];
    while (workerOf() === undefined) await sleep(10);
    const worker = Number(workerOf());
    expect(isAlive(worker)).toBe(true);
    await part.stop();
    expect(isAlive(worker)).toBe(false);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
