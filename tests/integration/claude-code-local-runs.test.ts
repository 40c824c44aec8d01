/** A kill reaches headless runs of Claude Code on this machine: processes here stand in for them, with the files that it writes. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopLocalRuns, stopRuns } from "@signalbox/claude-code/local-runs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startProvider } from "../support/provider.ts";
import { poolConfig, startGateway, TOKEN } from "./admission-support.ts";

let configDir: string;
let children: ChildProcess[] = [];
beforeEach(() => {
  configDir = mkdtempSync(join(tmpdir(), "signalbox-local-runs-"));
  mkdirSync(join(configDir, "sessions"));
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(configDir, { recursive: true });
});

/** A process, said to be a run of the session. */
async function run(session: string, { entrypoint = "sdk-cli", script = "", procStart = undefined as string | undefined } = {}) {
  const child = spawn(process.execPath, ["-e", `${script}; setInterval(() => {}, 1000); console.log("up")`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout, "data");
  const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
  const start = procStart ?? stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  const said = { pid: child.pid, sessionId: session, procStart: start, entrypoint };
  writeFileSync(join(configDir, "sessions", `${child.pid}.json`), JSON.stringify(said));
  return child;
}
const isUp = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

test("ends the headless runs of the session, and no other", async () => {
  const [one, two, other] = [await run("s"), await run("s"), await run("other")];
  expect(await stopRuns(configDir, "s")).toEqual({ outcome: "stopped" });
  await expect.poll(() => isUp(one) || isUp(two)).toBe(false);
  expect(isUp(other)).toBe(true);
});

test("leaves an interactive run to the person before it, and says so", async () => {
  const child = await run("s", { entrypoint: "cli" });
  expect(await stopRuns(configDir, "s")).toMatchObject({ outcome: "failed", detail: expect.stringContaining("interactive") });
  expect(isUp(child)).toBe(true);
});

test("says when a run does not end", async () => {
  const child = await run("s", { script: "process.on('SIGINT', () => {})" });
  expect(await stopRuns(configDir, "s")).toEqual({ outcome: "failed", detail: `process ${child.pid} still runs` });
});

test("touches nobody by a file that is stale, or none of its own", async () => {
  const child = await run("s", { procStart: "1" });
  writeFileSync(join(configDir, "sessions", "1.json"), JSON.stringify({ pid: 1, sessionId: "s", entrypoint: "sdk-cli" }));
  writeFileSync(join(configDir, "sessions", "2.json"), '{"pid":');
  expect(await stopRuns(configDir, "s")).toEqual({ outcome: "absent" });
  expect(await stopRuns(join(configDir, "nowhere"), "s")).toEqual({ outcome: "absent" });
  expect(isUp(child)).toBe(true);
});

test("follows the control stream, and is in the receipt", async () => {
  const provider = await startProvider();
  const gateway = await startGateway(poolConfig(provider.url));
  const follower = stopLocalRuns({ configDir, schedulerUrl: gateway.url, token: TOKEN });
  const control = async (session: string, verb: string) => {
    const response = await fetch(`${gateway.url}/control/sessions/${session}/${verb}`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: "{}",
    });
    return (await response.json()) as { agents_acknowledged: string[]; unknown: string[] };
  };
  try {
    const child = await run("s");
    expect((await control("s", "pause")).agents_acknowledged).toEqual([]);
    expect(isUp(child)).toBe(true);
    // a kill before the stream is open reaches nobody; a second one is told again
    await expect
      .poll(async () => (await control("s", "kill")).agents_acknowledged.some((name) => name.startsWith("claude-code on ")))
      .toBe(true);
    await expect.poll(() => isUp(child)).toBe(false);
  } finally {
    await follower.close();
    await gateway.close();
    await provider.close();
  }
});
