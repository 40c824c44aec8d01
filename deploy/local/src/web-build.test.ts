import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ensureWebBuild, hashSources } from "./web-build.ts";

let root: string;
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "signalbox-hash-"));
  put("web/app/page.tsx", "a");
  put("web/src/model/tree.ts", "b");
  put("plugins/otel/src/conventions.ts", "c");
  put("package-lock.json", "{}");
});
afterEach(() => rmSync(root, { recursive: true }));

it.each(["web/app/page.tsx", "web/src/new.ts", "web/public/icon.svg", "plugins/otel/src/conventions.ts", "package-lock.json"])(
  "asks for a new build when %s changes",
  (path) => {
    const before = hashSources(root);
    put(path, "changed");
    expect(hashSources(root)).not.toBe(before);
  },
);

it.each(["web/src/model/tree.test.ts", "web/.next/cache/x", "web/node_modules/y/index.js", "web/next-env.d.ts", "scheduler/src/main.ts"])(
  "reuses the build when %s changes",
  (path) => {
    const before = hashSources(root);
    put(path, "changed");
    expect(hashSources(root)).toBe(before);
  },
);

it("tells a moved file from a changed one", () => {
  const before = hashSources(root);
  rmSync(join(root, "web/app/page.tsx"));
  put("web/app/other/page.tsx", "a");
  expect(hashSources(root)).not.toBe(before);
});

/** As Next's own: one at a time, which takes what it takes, whether or not anybody still reads what it says. */
const NEXT = `
const { existsSync, mkdirSync, rmSync, writeFileSync } = require("node:fs");
process.stdout.on("error", () => {});
if (existsSync("building")) {
  console.log("Another next build process is already running.");
  process.exit(1);
}
writeFileSync("building", "");
// of a test that failed
setTimeout(() => process.exit(1), 120_000).unref();
const timer = setInterval(() => {
  if (!existsSync("go")) return;
  clearInterval(timer);
  mkdirSync(".next/standalone", { recursive: true });
  writeFileSync(".next/standalone/server.js", "");
  rmSync("building");
}, 10);
`;

it("waits for the build of a start that was killed: Next makes one at a time", async () => {
  put("web/package.json", "{}");
  put("node_modules/next/package.json", "{}");
  put("node_modules/next/dist/bin/next", NEXT);
  const module = new URL("./web-build.ts", import.meta.url).href;
  const first = spawn(process.execPath, [
    "--input-type=module",
    "-e",
    `import { ensureWebBuild } from ${JSON.stringify(module)}; await ensureWebBuild(${JSON.stringify(root)});`,
  ]);
  await vi.waitFor(() => expect(existsSync(join(root, "web/building"))).toBe(true), 30_000);
  first.kill("SIGKILL");
  await once(first, "exit");
  const second = ensureWebBuild(root);
  // it stands before the lock, and does not take it
  await new Promise((resolve) => setTimeout(resolve, 600));
  const held = JSON.parse(readFileSync(join(root, "node_modules/.cache/signalbox/web-build.lock"), "utf8")) as { pid: number }[];
  put("web/go", "");
  expect(held.map(({ pid }) => pid)).toContain(first.pid);
  expect(await second).toMatchObject({ built: true });
});
