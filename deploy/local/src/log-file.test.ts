import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openLogFile } from "./log-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-log-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("is bounded: full files are numbered and the oldest are dropped", () => {
  const log = openLogFile(join(folder, "web.log"), { maxBytes: 100, keep: 2 });
  for (let n = 0; n < 50; n++) log.write(`line ${String(n).padStart(3, "0")} ----------\n`);
  log.close();
  expect(readdirSync(folder).sort()).toEqual(["web.log", "web.log.1", "web.log.2"]);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100);
  expect(readFileSync(log.path, "utf8")).toMatch(/line 049 -+\n$/);
});

it("goes on where an earlier start ended, and counts what comes too late", () => {
  const path = join(folder, "web.log");
  const first = openLogFile(path);
  first.write("a\n");
  first.close();
  first.write("lost\n");
  expect(first.lost).toBe(1);
  const second = openLogFile(path);
  second.write("b\n");
  second.close();
  expect(readFileSync(path, "utf8")).toBe("a\nb\n");
});
