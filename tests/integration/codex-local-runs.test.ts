/** A kill reaches `codex exec` on this machine: processes here stand in for it, with the files that it keeps open. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopRuns } from "@signalbox/codex/local-runs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let codexHome: string;
let children: ChildProcess[] = [];
beforeEach(() => {
  codexHome = mkdtempSync(join(tmpdir(), "signalbox-codex-runs-"));
  for (const folder of ["thread-writer-locks", "sessions"]) mkdirSync(join(codexHome, folder));
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(codexHome, { recursive: true });
});

const lockOf = (session: string) => join(codexHome, "thread-writer-locks", `${session}.lock`);

/** A process that holds threads as Codex does. */
async function run(threads: { id: string; meta?: object }[], script = "", command = "exec") {
  const files = threads.flatMap(({ id, meta = {} }) => {
    const rollout = join(codexHome, "sessions", `rollout-2026-11-21T08-00-00-${id}.jsonl`);
    writeFileSync(lockOf(id), "");
    const entry = { type: "session_meta", payload: { id, base_instructions: "x".repeat(40_000), ...meta } };
    writeFileSync(rollout, `${JSON.stringify(entry)}\n{"type":"more"}\n`);
    return [lockOf(id), rollout];
  });
  const code = `for (const file of ${JSON.stringify(files)}) fs.openSync(file); ${script}; setInterval(() => {}, 1000); console.log("up")`;
  const child = spawn(process.execPath, ["-e", code, command], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}
const isUp = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

test("ends the run of the session, and no other", async () => {
  const [session, other] = [randomUUID(), randomUUID()];
  const [one, two] = [await run([{ id: session }]), await run([{ id: other }])];
  const exited = once(one, "exit");
  expect(await stopRuns(codexHome, session)).toEqual({ outcome: "stopped" });
  await exited;
  expect([isUp(one), isUp(two)]).toEqual([false, true]);
  expect(one.signalCode).toBe("SIGINT");
});

test("lets a run that ends by itself say why, and sends no signal", async () => {
  const session = randomUUID();
  const child = await run([{ id: session }], "setTimeout(() => process.exit(7), 2000)");
  const exited = once(child, "exit");
  expect(await stopRuns(codexHome, session, 30_000)).toEqual({ outcome: "stopped" });
  expect(await exited).toEqual([7, null]);
});

test("leaves one that somebody sits at, and one sub-agent of a run, and says so", async () => {
  const [interactive, root, child] = [randomUUID(), randomUUID(), randomUUID()];
  const sitting = await run([{ id: interactive, meta: { source: "exec" } }], "", "resume");
  const parent = await run([{ id: root }, { id: child, meta: { source: { subagent: {} }, parent_thread_id: root } }]);
  expect(await stopRuns(codexHome, interactive)).toMatchObject({ outcome: "failed", detail: expect.stringContaining("interactive") });
  expect(await stopRuns(codexHome, child)).toMatchObject({ outcome: "failed", detail: expect.stringContaining("sub-agent") });
  expect([isUp(sitting), isUp(parent)]).toEqual([true, true]);
});

describe("an app-server that somebody else started", () => {
  /** One that listens, with a session of a root, a sub-agent and that one's sub-agent, beside another session. */
  async function appServer(deaf = false) {
    const [root, child, grandchild, other] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    for (const id of [root, child]) writeFileSync(lockOf(id), "");
    const thread = (id: string, parentThreadId: string | null, sessionId = root) => ({ id, sessionId, parentThreadId });
    const threads = [thread(root, null), thread(child, root), thread(grandchild, child), thread(other, null, other)];
    const setup = { socket: join(codexHome, "app-server.sock"), files: [lockOf(root), lockOf(child)], threads, deaf };
    const script = new URL("../support/codex-app-server.ts", import.meta.url).pathname;
    const process_ = spawn(process.execPath, [script, JSON.stringify(setup)], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(process_);
    const said: string[] = [];
    process_.stdout.on("data", (chunk: Buffer) => said.push(...chunk.toString().trim().split("\n")));
    await expect.poll(() => said).toContain("up");
    return { process: process_, root, child, grandchild, interrupted: () => new Set(said.filter((line) => line !== "up")) };
  }

  test("has the turns of the whole session interrupted and their commands ended, no other's, and lives on", async () => {
    const { process, root, child, grandchild, interrupted } = await appServer();
    expect(await stopRuns(codexHome, root)).toEqual({ outcome: "stopped" });
    expect(interrupted()).toEqual(new Set([root, child, grandchild].flatMap((id) => [id, `cleaned ${id}`])));
    expect(isUp(process)).toBe(true);
  });

  test("has only the turns of a sub-agent and of those below it interrupted", async () => {
    const { child, grandchild, interrupted } = await appServer();
    expect(await stopRuns(codexHome, child)).toEqual({ outcome: "stopped" });
    expect(interrupted()).toEqual(new Set([child, grandchild].flatMap((id) => [id, `cleaned ${id}`])));
  });

  test("is not said to have stopped where its turns go on", async () => {
    const { root } = await appServer(true);
    expect(await stopRuns(codexHome, root)).toMatchObject({ outcome: "failed", detail: expect.stringContaining("have not ended") });
  });
});

test("says when a run does not end", async () => {
  const session = randomUUID();
  const child = await run([{ id: session }], "process.on('SIGINT', () => {})");
  expect(await stopRuns(codexHome, session)).toEqual({ outcome: "failed", detail: `process ${child.pid} still runs` });
});

test.each([
  ["waits for the command that a run leaves behind it", 0.5, { outcome: "stopped" }],
  ["says that the command of a run goes on", 60, { outcome: "failed", detail: expect.stringMatching(/^process \d+ still runs$/) }],
])("%s", async (_does, seconds, outcome) => {
  const session = randomUUID();
  const pidFile = join(codexHome, "command");
  // below a shell, as Codex has it
  const command = `child_process.spawn("sh", ["-c", "sleep ${seconds} & echo $! > ${pidFile}; wait"], { stdio: "ignore", detached: true })`;
  await run([{ id: session }], command);
  await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, "utf8")).toMatch(/^\d+\n$/);
  const pid = Number(readFileSync(pidFile, "utf8"));
  try {
    expect(await stopRuns(codexHome, session)).toEqual(outcome);
    expect(existsSync(`/proc/${pid}`)).toBe(seconds > 1);
  } finally {
    if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
  }
});

test("knows nothing of what is not there: no lock, a lock that nobody holds, a name that is no thread's, no folder", async () => {
  const session = randomUUID();
  expect(await stopRuns(codexHome, session)).toEqual({ outcome: "absent" });
  writeFileSync(lockOf(session), "");
  expect(await stopRuns(codexHome, session)).toEqual({ outcome: "absent" });
  expect(await stopRuns(codexHome, "../../etc/passwd")).toEqual({ outcome: "absent" });
  expect(await stopRuns(join(codexHome, "nowhere"), session)).toEqual({ outcome: "absent" });
});
