import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { hashSources } from "./web-build.ts";

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
