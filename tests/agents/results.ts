import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(import.meta.dirname, "RESULTS.md");
const HEAD = "# What the real agents showed\n\nWritten by `npm run test:agents`; each section by its agent's suite.\n";

/** Puts a section into tests/agents/RESULTS.md, in place of the one of the same title. */
export function writeSection(title: string, body: string): void {
  const text = existsSync(FILE) ? readFileSync(FILE, "utf8") : HEAD;
  const section = `## ${title}\n\n${body.trim()}\n`;
  const others = text.split(/^(?=## )/m).filter((part) => !part.startsWith(`## ${title}\n`));
  writeFileSync(FILE, `${[...others.map((part) => part.trim()), section.trim()].join("\n\n")}\n`);
}

/** Scenario by way of running: passed or not. A pair that was not run says so. */
export function tableOf(results: ReadonlyMap<string, ReadonlyMap<string, boolean>>, ways: readonly string[]): string {
  const cell = (passed: boolean | undefined) => (passed === undefined ? "–" : passed ? "ok" : "**FAILED**");
  const rows = [...results].map(([scenario, byWay]) => `| ${scenario} | ${ways.map((way) => cell(byWay.get(way))).join(" | ")} |`);
  return [`| scenario | ${ways.join(" | ")} |`, `|---|${ways.map(() => "---|").join("")}`, ...rows].join("\n");
}
