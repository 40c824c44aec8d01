/**
 * `npm run test:agents`: Signalbox against the real agents, installed from npm into folders of their own
 * ($SIGNALBOX_AGENTS_DIR, default ~/.cache/signalbox-agents). Not part of `npm test`: the agents are hundreds of megabytes.
 *
 *     node tests/agents/run.ts [agent…]
 */
import { claudeCodeSuite } from "./claude-code/suite.ts";
import { codexSuite } from "./codex/suite.ts";
import { openclawSuite } from "./openclaw/suite.ts";
import { createReport, type Report } from "./report.ts";

const SUITES: Record<string, (report: Report) => Promise<void>> = {
  openclaw: openclawSuite,
  "claude-code": claudeCodeSuite,
  codex: codexSuite,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in SUITES));
if (unknown !== undefined) {
  console.error(`no suite ${unknown}; there are ${Object.keys(SUITES).join(", ")}`);
  process.exit(2);
}
const report = createReport();
for (const [name, suite] of Object.entries(SUITES)) {
  if (wanted.length > 0 && !wanted.includes(name)) report.skip(name, "not asked for");
  else await report.check(`${name}: the suite ran to its end`, () => suite(report));
}
process.exit(report.close() ? 0 : 1);
