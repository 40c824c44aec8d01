import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readLock, runningInstall, takeLock } from "./lock.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-lock-"));
  path = join(folder, "signalbox.lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

const install = {
  state: "starting" as const,
  startedAt: "2026-11-21T00:00:00.000Z",
  addresses: { web: "http://127.0.0.1:1", scheduler: "http://127.0.0.1:2", otlp: "http://127.0.0.1:3", otlpGrpc: "http://127.0.0.1:4" },
  postgresPort: 4,
  parts: {},
};

it("is held by one at a time, who can tell more and let go", () => {
  const first = takeLock(path, install);
  expect(first).toMatchObject({ held: true, leftBehind: undefined });
  expect(takeLock(path, install)).toMatchObject({ held: false, by: { pid: process.pid, state: "starting" } });
  if (!first.held) return;
  first.lock.update({ state: "ready" });
  expect(runningInstall(path)).toMatchObject({ state: "ready" });
  first.lock.release();
  expect(readdirSync(folder)).toEqual([]);
});

it("is taken over from a process that is gone, and hands on what that left", () => {
  writeFileSync(path, JSON.stringify({ ...install, pid: 2 ** 22 - 1, parts: { web: { pid: 99 } } }));
  expect(runningInstall(path)).toBeUndefined();
  expect(takeLock(path, install)).toMatchObject({ held: true, leftBehind: { parts: { web: { pid: 99 } } } });
  expect(readLock(path)?.pid).toBe(process.pid);
  expect(readdirSync(folder)).toEqual(["signalbox.lock"]);
});

it("is taken over when its process id now belongs to another process", () => {
  writeFileSync(path, JSON.stringify({ ...install, pid: process.pid, ticks: "1" }));
  expect(takeLock(path, install).held).toBe(process.platform === "linux");
});

it("is taken over when the file is cut short", () => {
  writeFileSync(path, '{"pid": 12');
  expect(takeLock(path, install).held).toBe(true);
});
