import { statSync } from "node:fs";
import path from "node:path";
import { DEFAULT_KEEP_ALIVE_MS } from "@signalbox/otel/conventions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureWebBuild } from "../support/web-build.ts";
import { eventually, makePlace, type Place, processesOf, type Running, readLockFile, run, start, stillThere } from "./up-support.ts";

/** One machine from the first start to the last stop: each test goes on where the one before it ended. */
describe("signalbox up", { timeout: 180_000 }, () => {
  let place: Place;
  let running: Running | undefined;
  let doctorSession = "";

  beforeAll(async () => {
    await ensureWebBuild();
    place = await makePlace();
  }, 600_000);
  afterAll(async () => {
    if (running?.child.exitCode === null) await running.end("SIGTERM");
    for (const { pid } of processesOf(place)) process.kill(pid, "SIGKILL");
    await place.remove();
  });

  const api = async (route: string): Promise<{ data: Record<string, unknown>[] }> => {
    const { readFile } = await import("node:fs/promises");
    const token = (await readFile(path.join(place.home, "token"), "utf8")).trim();
    const response = await fetch(`http://127.0.0.1:${place.ports.web}${route}`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    return (await response.json()) as { data: Record<string, unknown>[] };
  };
  const sessionIds = async () => (await api("/api/v1/sessions?limit=200")).data.map((session) => session.session_id);

  it("starts everything, says where it is, and keeps its folder private", async () => {
    running = start(place, ["up"]);
    const output = await running.until(/Stop +Ctrl-C/);
    for (const port of [place.ports.otlp, place.ports.scheduler, place.ports.web]) {
      const { status, headers } = await fetch(`http://127.0.0.1:${port}/readyz`);
      expect({ status, kept: headers.get("keep-alive") }).toEqual({ status: 200, kept: `timeout=${DEFAULT_KEEP_ALIVE_MS / 1000}` });
    }
    expect(output).toContain(`http://127.0.0.1:${place.ports.otlp}\n`);
    expect(output).toContain(`http://127.0.0.1:${place.ports.scheduler}/v1`);
    expect(output).toContain(place.home);
    expect(output).not.toContain("\x1b"); // not a terminal: no colours, no cursor moves
    expect(statSync(place.home).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(place.home, "token")).mode & 0o777).toBe(0o600);
  });

  it("logs one browser in with the printed link, once", async () => {
    const link = /http:\S+\/login\?token=[0-9a-f]{64}/.exec(running?.output() ?? "")?.[0] ?? "";
    const follow = async () => {
      let response = await fetch(link, { redirect: "manual" });
      for (let hops = 0; hops < 3 && response.headers.get("set-cookie") === null && response.headers.has("location"); hops++) {
        response = await fetch(new URL(response.headers.get("location") ?? "", link), { redirect: "manual" });
      }
      return response.headers.get("set-cookie");
    };
    expect(await follow()).toMatch(/HttpOnly/i);
    expect(await follow()).toBeNull();
  });

  it("answers a second start with where it is, and leaves the first alone", async () => {
    const second = await run(place, ["up"]);
    expect(second).toMatchObject({ code: 0 });
    expect(second.output).toMatch(
      new RegExp(`already running on ${place.home} \\(process ${running?.pid}\\): http://127.0.0.1:${place.ports.web}/login\\?token=`),
    );
    expect((await run(place, ["status"])).code).toBe(0);
  });

  it("is found well by doctor, whose request is seen in the read API", async () => {
    const doctor = await run(place, ["doctor", "--json"]);
    const report = JSON.parse(doctor.output) as { ok: boolean; checks: { name: string; state: string }[] };
    expect(report.checks.filter((check) => check.state !== "ok")).toEqual([]);
    expect(doctor.code).toBe(0);
    doctorSession = String((await sessionIds()).find((id) => String(id).startsWith("signalbox-doctor-")));
    expect(doctorSession).toMatch(/^signalbox-doctor-[0-9a-f]{8}$/);
  });

  it("starts a part again that died, and says so", async () => {
    const { pid } = readLockFile(place).parts.web ?? { pid: 0 };
    process.kill(pid, "SIGKILL");
    await running?.until(/web died \(killed by SIGKILL\); starting it again/);
    await running?.until(/web is back after/);
    expect((await fetch(`http://127.0.0.1:${place.ports.web}/readyz`)).status).toBe(200);
    expect(readLockFile(place).parts.web?.pid).not.toBe(pid);
  });

  it("stops on SIGINT and leaves no process", async () => {
    const ours = processesOf(place).map(({ pid }) => pid);
    expect(ours.length).toBeGreaterThan(5); // the supervisor, three parts, llama.cpp workers, Postgres
    expect(await running?.end("SIGINT")).toEqual({ code: 0, signal: null });
    expect(stillThere(ours)).toEqual([]);
    expect(processesOf(place)).toEqual([]);
    expect((await run(place, ["status"])).code).toBe(3);
    const url = await run(place, ["url"]);
    expect(url).toMatchObject({ code: 1 });
    expect(url.output).toContain("Start it first, in another terminal: npm start");
  });

  it("finds its data at the next start", async () => {
    running = start(place, ["up", "--json"]);
    const ready = JSON.parse((await running.until(/\n/)).trim()) as Record<string, unknown>;
    expect(ready).toMatchObject({ state: "ready", postgres: "embedded", state_folder: place.home });
    expect(await sessionIds()).toContain(doctorSession);
  });

  it("plays the demo: 24 sessions on two pools, and a runaway of 18 agents with a cost each", async () => {
    const demo = await run(place, ["demo", "--seconds", "6", "--json"]);
    expect(demo.code, demo.output).toBe(0);
    const summary = JSON.parse(demo.output.slice(demo.output.indexOf('{"seed"'))) as {
      sessions: number;
      calls: number;
      failed_calls: number;
      recorded_calls: number;
      dropped_spans: number;
      runaway_session: string;
      pools: { pool: string; model: string; cost_nanousd: string }[];
    };
    expect(summary).toMatchObject({ sessions: 24, failed_calls: 0, dropped_spans: 0, recorded_calls: summary.calls });
    expect(summary.pools).toHaveLength(2);
    expect(new Set(summary.pools.map(({ model }) => model)).size).toBe(1);
    const agents = (await api(`/api/v1/sessions/${encodeURIComponent(summary.runaway_session)}/agents`)).data;
    expect(agents).toHaveLength(18);
    expect(agents.filter((agent) => agent.parent_agent_id === null)).toHaveLength(1);
    for (const agent of agents) expect(BigInt(String(agent.cost_nanousd)), String(agent.agent_id)).toBeGreaterThan(0n);
  });

  it("leaves only Postgres behind when it is killed, and the next start adopts that with its data", async () => {
    await running?.end("SIGKILL");
    await eventually("the parts notice that their supervisor is gone", () =>
      processesOf(place).every(({ command }) => command.includes("postgres")),
    );
    expect(processesOf(place).length).toBeGreaterThan(0);
    running = start(place, ["up"]);
    expect(await running.until(/Stop +Ctrl-C/)).toContain("adopted");
    expect(await sessionIds()).toContain(doctorSession);
    expect(await running.end("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(processesOf(place).filter(({ command }) => command !== "")).toEqual([]); // an adopted Postgres is pid 1's to reap
  });
});
