/**
 * Question: does the page of a session of 10,000 steps with 300 sub-agents open within a second, and do its replay and its waterfall
 * move at 60 frames a second, in bounded memory?
 * The built dashboard on an embedded Postgres, in a real headless Chromium that draws in software. Frame times are those between
 * requestAnimationFrame callbacks while the replay plays at 16 ×, while its transcript and the waterfall scroll; beside them those of an
 * empty page, which is the machine's own floor.
 *
 *     node tests/bench/replay.ts [steps] [sub-agents]
 */

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { migrate } from "@signalbox/collector-processor/migrate";
import { startPostgres } from "@signalbox/local/postgres";
import type { Page } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { startDashboard } from "../support/dashboard.ts";
import { freePort } from "../support/free-port.ts";
import { writeSpans } from "../support/seed.ts";
import { makeLongSession, writeMessages } from "../support/seed-replay.ts";

const STEPS = Number(process.argv[2] ?? 10_000);
const SUB_AGENTS = Number(process.argv[3] ?? 300);
const ID = "agent:marathon:bench";
const MEASURE_MS = 4_000;

interface Frames {
  count: number;
  median: number;
  p95: number;
  longest: number;
  over: number;
}

/** Frame times of the page, in milliseconds, over MEASURE_MS. `perFrame` runs in each. */
const frames = (page: Page, scroller: string | null): Promise<Frames> =>
  page.evaluate(
    async ({ milliseconds, selector }) => {
      const element = selector === null ? null : (document.querySelector(selector) ?? document.scrollingElement);
      const times: number[] = [];
      const began = performance.now();
      let before = began;
      await new Promise<void>((resolve) => {
        const tick = (now: number) => {
          times.push(now - before);
          before = now;
          if (element) element.scrollTop += 60;
          if (now - began < milliseconds) requestAnimationFrame(tick);
          else resolve();
        };
        requestAnimationFrame(tick);
      });
      const sorted = times.slice(1).sort((left, right) => left - right);
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return {
        count: sorted.length,
        median: at(0.5),
        p95: at(0.95),
        longest: at(1),
        over: sorted.filter((time) => time > 33).length / sorted.length,
      };
    },
    { milliseconds: MEASURE_MS, selector: scroller },
  );

const say = (name: string, { count, median, p95, longest, over }: Frames) =>
  console.log(
    `  ${name.padEnd(26)} ${(count / (MEASURE_MS / 1000)).toFixed(0)} frames/s; median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, longest ${longest.toFixed(0)} ms; ${(over * 100).toFixed(1)} % over 33 ms`,
  );
const heap = async (page: Page): Promise<string> => {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return `${(usedSize / 1048576).toFixed(0)} MB`;
};

const home = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-bench-"));
fs.chmodSync(home, 0o755);
const database = await startPostgres({ dir: path.join(home, "postgres"), port: await freePort() });
await migrate(database.url);
const { spans } = makeLongSession({ id: ID, startMs: Date.parse("2026-11-20T00:00:00Z"), steps: STEPS, subAgents: SUB_AGENTS });
await writeSpans(database.url, spans);
for (const span of spans.filter((candidate) => candidate.is_call).slice(0, 400))
  await writeMessages(database.url, span, {
    input: [{ role: "user", parts: [{ type: "text", content: `read ${span.span_id} and go on` }] }],
    output: [{ role: "assistant", parts: [{ type: "text", content: `done with ${span.span_id}; `.repeat(20) }] }],
  });
const dashboard = await startDashboard(database.readerUrl);
const browser = await launchChromium();
try {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(dashboard.loginLink());
  await page.waitForURL(`${dashboard.url}/`);
  console.log(
    `${STEPS} steps, ${SUB_AGENTS} sub-agents; load average ${os.loadavg()[0]?.toFixed(1)} on ${os.availableParallelism()} cores`,
  );
  const address = (view: string) => `${dashboard.url}/sessions/${encodeURIComponent(ID)}?view=${view}`;
  const opened = async (view: string, ready: string): Promise<number> => {
    const began = performance.now();
    await page.goto(address(view), { waitUntil: "commit" });
    await page.locator(ready).first().waitFor();
    return performance.now() - began;
  };
  await page.goto("about:blank");
  say("empty page", await frames(page, null));

  await opened("replay", "[data-step]");
  const replayMs = await opened("replay", "[data-step]");
  await page.waitForFunction((total) => document.querySelector("[data-clock]")?.textContent?.endsWith(`of ${total}`), STEPS);
  console.log(`replay opens in ${replayMs.toFixed(0)} ms (first steps in sight, warm); heap with all steps ${await heap(page)}`);
  await page.getByRole("radio", { name: "16×" }).click();
  await page.getByRole("button", { name: "play", exact: true }).click();
  say("replay plays at 16 ×", await frames(page, null));
  await page.getByRole("button", { name: "pause", exact: true }).click();
  say("transcript scrolls", await frames(page, '[aria-label="transcript"]'));
  console.log(`  heap afterwards ${await heap(page)}`);

  await opened("timeline", '[role="row"]');
  const timelineMs = await opened("timeline", '[role="row"]');
  console.log(`waterfall opens in ${timelineMs.toFixed(0)} ms (first rows in sight, warm); heap ${await heap(page)}`);
  say("waterfall scrolls", await frames(page, "html"));
} finally {
  await browser.close();
  await dashboard.stop();
  await database.stop();
  fs.rmSync(home, { recursive: true, force: true });
}
