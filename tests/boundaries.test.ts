import path from "node:path";
import { expect, test } from "vitest";
import { type Import, importsOf, type SourceFile, sourceFiles } from "./support/imports.ts";

/** Who may import whom between parts. A path stands for itself and all below it. */
const PARTS: { part: string; packageName?: string; mayImport: string[]; mayImportTypesOf?: string[] }[] = [
  { part: "plugins/otel", packageName: "@signalbox/otel", mayImport: [] },
  { part: "plugins/openclaw", packageName: "@signalbox/openclaw", mayImport: ["@signalbox/otel"] },
  { part: "plugins/claude-code", packageName: "@signalbox/claude-code", mayImport: ["@signalbox/otel"] },
  { part: "plugins/codex", packageName: "@signalbox/codex", mayImport: ["@signalbox/otel"] },
  {
    part: "plugins/cli",
    packageName: "signalbox",
    mayImport: ["@signalbox/otel", "@signalbox/openclaw", "@signalbox/claude-code", "@signalbox/codex", "@signalbox/local"],
  },
  { part: "scheduler", packageName: "@signalbox/scheduler", mayImport: ["@signalbox/otel"] },
  {
    part: "collector-processor",
    packageName: "@signalbox/collector-processor",
    mayImport: ["@signalbox/otel/conventions", "@signalbox/otel/memory", "@signalbox/otel/prices"],
  },
  {
    part: "web",
    packageName: "@signalbox/web",
    mayImport: ["@signalbox/otel/conventions"],
    mayImportTypesOf: ["@signalbox/collector-processor/rows"],
  },
  { part: "deploy/local", packageName: "@signalbox/local", mayImport: ["@signalbox/otel/conventions"] },
];

/** Inside a part: files below `from` never import below `never`. */
const INSIDE: { from: string; never: string[]; why: string }[] = [
  {
    from: "scheduler/src/placement",
    never: ["scheduler/src/dialects", "scheduler/src/pools", "node:"],
    why: "placement is pure: candidates are arguments",
  },
  {
    from: "collector-processor/src/processors",
    never: ["collector-processor/src/exporters"],
    why: "a processor does not know where spans go",
  },
  { from: "web/src/ui", never: ["web/src/queries", "web/src/api"], why: "ui knows no data" },
  { from: "plugins/otel/src/conventions.ts", never: [""], why: "conventions imports nothing" },
];

const isBelow = (target: string, folder: string) => target === folder || target.startsWith(`${folder}/`);
const isTest = (file: string) => /\.test\.tsx?$/.test(file);

function violations(files: SourceFile[]): string[] {
  return files.flatMap(importsOf).flatMap((edge) => {
    const broken = betweenParts(edge) ?? insidePart(edge);
    return broken ? [`${edge.file}:${edge.line} imports ${edge.target}: ${broken}`] : [];
  });
}

function betweenParts({ file, target, typeOnly }: Import): string | undefined {
  const home = PARTS.find(({ part }) => isBelow(file, part));
  if (!home) return undefined;
  if (isBelow(target, home.part) || isBelow(target, home.packageName ?? home.part)) return undefined;
  const isOfThisRepo =
    PARTS.some(({ part, packageName }) => isBelow(target, part) || isBelow(target, packageName ?? part)) || isBelow(target, "tests");
  const leavesByPath = /^(plugins|deploy|scheduler|collector-processor|web|tests)(\/|$)/.test(target);
  if (!isOfThisRepo && !leavesByPath) return undefined;
  if (home.mayImport.some((allowed) => isBelow(target, allowed))) return undefined;
  if (typeOnly && home.mayImportTypesOf?.some((allowed) => isBelow(target, allowed))) return undefined;
  return `${home.part} may import only ${[...home.mayImport, ...(home.mayImportTypesOf ?? []).map((name) => `types of ${name}`)].join(", ") || "nothing of this repository"}`;
}

function insidePart({ file, target }: Import): string | undefined {
  if (isTest(file)) return undefined;
  return INSIDE.find(
    ({ from, never }) =>
      isBelow(file, from) &&
      never.some((folder) => (folder === "" || folder.endsWith(":") ? target.startsWith(folder) : isBelow(target, folder))),
  )?.why;
}

/** Files that import each other, at whatever distance, types too: each such circle, from where it was met. */
function circles(files: SourceFile[]): string[] {
  const targets = new Map(files.map((each) => [each.file, importsOf(each).map(({ target }) => target)]));
  const done = new Set<string>();
  const found: string[] = [];
  const follow = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file].join(" → "));
    else if (!done.has(file)) {
      for (const target of targets.get(file) ?? []) if (targets.has(target)) follow(target, [...way, file]);
      done.add(file);
    }
  };
  for (const file of targets.keys()) follow(file, []);
  return found;
}

const root = path.resolve(import.meta.dirname, "..");
const everything = ["plugins", "scheduler", "collector-processor", "web", "deploy"].flatMap((folder) => sourceFiles(root, folder));

test("imports keep to the table", () => {
  expect(everything.length).toBeGreaterThan(20);
  expect(violations(everything)).toEqual([]);
});

test.each([
  ["scheduler/src/app.ts", `import { store } from "../../collector-processor/src/app.ts";`],
  ["scheduler/src/app.ts", `import { register } from "@signalbox/openclaw";`],
  ["scheduler/src/app.ts", `import { freePort } from "../../tests/support/free-port.ts";`],
  ["scheduler/src/placement/choose.ts", `import { health } from "../pools/health.ts";`],
  ["scheduler/src/placement/choose.ts", `import fs from "node:fs";`],
  ["collector-processor/src/processors/price.ts", `import { insert } from "../exporters/postgres.ts";`],
  ["collector-processor/src/app.ts", `import { provider } from "@signalbox/otel/provider";`],
  ["plugins/otel/src/conventions.ts", `import { z } from "zod";`],
  ["web/src/queries/cost.ts", `import { toRow } from "@signalbox/collector-processor/rows";`],
  ["web/src/ui/table.tsx", `export * from "../queries/cost.ts";`],
  ["plugins/openclaw/src/map.ts", `const local = await import("@signalbox/local");`],
])("%s may not say %s", (file, source) => {
  expect(violations([{ file, source }])).toHaveLength(1);
});

test.each([
  ["scheduler/src/app.ts", `import { Attribute } from "@signalbox/otel/conventions";`],
  ["web/src/queries/cost.ts", `import type { SpanRow } from "@signalbox/collector-processor/rows";`],
  ["plugins/cli/src/main.ts", `import { up } from "@signalbox/local";`],
  ["scheduler/src/app.ts", `import { choose } from "./placement/choose.ts";`],
])("%s may say %s", (file, source) => {
  expect(violations([{ file, source }])).toEqual([]);
});

test("no file imports itself, however far round", () => {
  expect(circles([...everything, ...sourceFiles(root, "tests")])).toEqual([]);
});

test("a circle of three files is found once", () => {
  const files = [
    { file: "web/src/a.ts", source: `import { b } from "./b.ts";` },
    { file: "web/src/b.ts", source: `export { c } from "./c.ts";` },
    { file: "web/src/c.ts", source: `import type { A } from "./a.ts";` },
    { file: "web/src/d.ts", source: `import { a } from "./a.ts";` },
  ];
  expect(circles(files)).toEqual(["web/src/a.ts → web/src/b.ts → web/src/c.ts → web/src/a.ts"]);
});
