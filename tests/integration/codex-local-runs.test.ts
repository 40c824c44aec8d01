/** A kill reaches `codex exec` on this machine: processes here stand in for it, with the files that it keeps open. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopRuns } from "@signalbox/codex/local-runs";
import { afterEach, beforeEach, expect, test } from "vitest";

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

test("says when a run does not end", async () => {
  const session = randomUUID();
  const child = await run([{ id: session }], "process.on('SIGINT', () => {})");
  expect(await stopRuns(codexHome, session)).toEqual({ outcome: "failed", detail: `process ${child.pid} still runs` });
});

test("knows nothing of what is not there: no lock, a lock that nobody holds, a name that is no thread's, no folder", async () => {
  const session = randomUUID();
  expect(await stopRuns(codexHome, session)).toEqual({ outcome: "absent" });
  writeFileSync(lockOf(session), "");
  expect(await stopRuns(codexHome, session)).toEqual({ outcome: "absent" });
  expect(await stopRuns(codexHome, "../../etc/passwd")).toEqual({ outcome: "absent" });
  expect(await stopRuns(join(codexHome, "nowhere"), session)).toEqual({ outcome: "absent" });
});
