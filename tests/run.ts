/** `npm test`: every suite that needs nothing but `npm ci`, one after the other; closes with each suite's result. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { runCommand } from "./support/run-command.ts";

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { name: string; status: string; message: string; assertionResults: { fullName: string; status: string }[] }[];
}

const cwd = path.resolve(import.meta.dirname, "..");
const suites = ["unit", "integration", "e2e"];
const output = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-test-reports-"));
const total = { passed: 0, failed: 0, skipped: 0 };
const lines: string[] = [];

for (const suite of suites) {
  const file = path.join(output, `${suite}.json`);
  const args = ["run", "--project", suite, "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { code, seconds } = await runCommand("vitest", args, { cwd, show: true });
  const { passed, failed, skipped } = count(file, code);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped.length;
  lines.push(
    `${failed === 0 ? "ok  " : "FAIL"} ${suite.padEnd(12)} ${passed} passed, ${failed} failed, ${skipped.length} skipped (${seconds.toFixed(0)} s)`,
  );
  lines.push(...skipped.map((name) => `     skipped: ${name}`));
}
fs.rmSync(output, { recursive: true, force: true });

console.log(`\n${lines.join("\n")}\n\ntests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** A suite that left no report, or failed outside its tests (a setup, an unhandled error), counts as one failure. */
function count(file: string, code: number): { passed: number; failed: number; skipped: string[] } {
  if (!fs.existsSync(file)) return { passed: 0, failed: 1, skipped: [] };
  const report = JSON.parse(fs.readFileSync(file, "utf8")) as VitestReport;
  const brokenFiles = report.testResults.filter(
    (result) => result.status === "failed" && result.assertionResults.every((test) => test.status !== "failed"),
  );
  const failed = report.numFailedTests + brokenFiles.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.testResults.flatMap((result) =>
      result.assertionResults
        .filter((test) => test.status === "skipped" || test.status === "pending" || test.status === "todo")
        .map((test) => test.fullName),
    ),
  };
}
