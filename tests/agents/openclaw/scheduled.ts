import assert from "node:assert/strict";
import type { Check } from "../report.ts";
import { until } from "../waits.ts";
import { assertCalls, assertSums, settled } from "./books.ts";
import { scriptOf } from "./scenarios.ts";
import { POOL, type World } from "./world.ts";

/** OpenClaw's own clockwork: a cron job that is made and run, and the heartbeat that it has by itself. */
export async function checkScheduled(world: World, check: Check): Promise<void> {
  const { sql } = world.stack;
  const proveScheduled = async (task: "cron" | "heartbeat", start: () => Promise<void>) => {
    world.use(scriptOf({ NIGHTLY: () => ({ text: "Done." }) }));
    const asked = world.since();
    await start();
    // A run is only put in line.
    await until("the job asks a model", () => asked().length > 0, 60_000);
    await world.quiet();
    const spans = await settled(
      sql,
      asked,
      (all) =>
        all.some(({ operation }) => operation === "invoke_agent") &&
        all.filter((span) => span.is_call && span.output > 0).length >= asked().length,
    );
    assertCalls(spans, asked(), { turns: ["NIGHTLY"] }, { pool: POOL });
    await assertSums(sql, spans);
    for (const span of spans.filter(({ operation }) => operation === "schedule")) assert.equal(span.task, task);
    for (const { headers } of asked()) assert.equal(headers["x-signalbox-session"], undefined, "our headers go no further");
  };
  const run = async (id: string) => {
    await world.gateway().client.request("cron.run", { id, mode: "force" });
  };

  await check("cron job", "registered", () =>
    proveScheduled("cron", async () => {
      const made = await world.gateway().client.request<{ id?: string; job?: { id: string } }>("cron.add", {
        name: "nightly",
        schedule: { kind: "every", everyMs: 86_400_000 },
        sessionTarget: "isolated",
        wakeMode: "now",
        payload: { kind: "agentTurn", message: "please NIGHTLY" },
        delivery: { mode: "none" },
      });
      await run(made.id ?? made.job?.id ?? "");
    }),
  );
  await check("heartbeat", "registered", () =>
    proveScheduled("heartbeat", async () => {
      const { jobs } = await world.gateway().client.request<{ jobs: { id: string; payload?: { kind?: string } }[] }>("cron.list", {
        includeDisabled: true,
      });
      const heartbeat = jobs.find(({ payload }) => payload?.kind === "heartbeat");
      assert.ok(heartbeat, "there is a heartbeat job");
      await run(heartbeat.id);
    }),
  );
}
