/** `npm test`: every suite that needs nothing but `npm ci`, one after the other; closes with each suite's result. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { runCommand } from "./support/run-command.ts";

interface VitestReport {
  numPassedTests: number;
  testResults: { name: string; status: string; message: string; assertionResults: TestResult[] }[];
}

interface TestResult {
  fullName: string;
  status: string;
  failureMessages: string[];
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
  const { passed, failed, failures, skipped } = count(file, code);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped.length;
  lines.push(
    `${failed === 0 ? "ok  " : "FAIL"} ${suite.padEnd(12)} ${passed} passed, ${failed} failed, ${skipped.length} skipped (${seconds.toFixed(0)} s)`,
  );
  lines.push(...failures.map((failure) => `     failed: ${failure}`));
  lines.push(...skipped.map((name) => `     skipped: ${name}`));
}
fs.rmSync(output, { recursive: true, force: true });

console.log(`\n${lines.join("\n")}\n\ntests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** A suite that left no report, or failed outside its tests (a setup, an unhandled error), counts as one failure. */
function count(file: string, code: number): { passed: number; failed: number; failures: string[]; skipped: string[] } {
  if (!fs.existsSync(file)) return { passed: 0, failed: 1, failures: ["the whole suite: it left no report"], skipped: [] };
  const report = JSON.parse(fs.readFileSync(file, "utf8")) as VitestReport;
  const failures = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === "failed");
    const shown = path.relative(cwd, name);
    if (status === "failed" && failed.length === 0) return [`${shown}: ${excerpt(message)}`];
    return failed.map((test) => `${shown}: ${test.fullName}: ${excerpt(test.failureMessages.join("\n"))}`);
  });
  if (failures.length === 0 && code !== 0) failures.push(`outside of the tests: vitest ended with ${code}`);
  return {
    passed: report.numPassedTests,
    failed: failures.length,
    failures,
    skipped: report.testResults.flatMap((result) =>
      result.assertionResults
        .filter((test) => test.status === "skipped" || test.status === "pending" || test.status === "todo")
        .map((test) => test.fullName),
    ),
  };
}

/** The closing lines may be all that a reader of a CI log gets to see: they say what was wrong, and where, by themselves. */
function excerpt(message: string): string {
  const lines = stripVTControlCharacters(message).split("\n");
  const told = lines.filter((line) => !/^\s+at /.test(line)).slice(0, 6);
  const place = lines.find((line) => line.includes(`${cwd}/`) && !line.includes("/node_modules/"));
  return [...told, ...(place ? [place.replaceAll(`${cwd}/`, "")] : [])].map((line) => line.trim()).join(" | ");
}
