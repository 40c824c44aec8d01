import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { registerOpenclaw, unregisterOpenclaw } from "@signalbox/openclaw/register";
import { freePort } from "../../support/free-port.ts";
import type { Report } from "../report.ts";
import { startStack } from "../stack.ts";
import { baseConfig, openclawHome, startGateway } from "./gateway.ts";
import { ensureOpenclaw } from "./install.ts";
import { openclawScript } from "./script.ts";
import { checkTrees } from "./trees.ts";

/** Pairs of turns, collector up and away. */
const PAIRS = 8;

/** The real OpenClaw from npm, registered by our own command while its gateway runs, through the real scheduler and collector. */
export async function openclawSuite(report: Report): Promise<void> {
  const openclaw = await ensureOpenclaw(undefined, console.log);
  console.log(`openclaw ${openclaw.version}`);
  const stack = await startStack(openclawScript);
  const port = await freePort();
  const config = baseConfig(port);
  // A direct way to the same provider: what was there before and must be there after.
  const direct = {
    baseUrl: `${stack.provider.url}/v1`,
    apiKey: "fake-key",
    api: "openai-completions",
    models: [{ id: "direct", name: "direct" }],
  };
  const home = openclawHome({
    ...config,
    models: { ...config.models, providers: { direct } },
    agents: { defaults: { ...config.agents.defaults, model: { primary: "direct/direct" } } },
  });
  const before = readFileSync(home.configPath, "utf8");
  const registration = {
    home: home.home,
    stateDir: join(home.dir, "signalbox"),
    schedulerUrl: stack.schedulerUrl,
    otlpEndpoint: stack.collectorUrl,
  };
  const gateway = await startGateway(openclaw, home, port);
  const { provider, sql } = stack;
  const calls = () => provider.ledger.length;
  const routed = () => provider.ledger.slice(unrouted);
  const turn = async (message: string) => assert.equal((await gateway.turn(message)).status, "ok");
  /** Waits until the provider has heard nothing for two seconds: sub-agents and announcements go on after a turn. */
  const settled = async () => {
    for (let last = -1; calls() !== last; await sleep(2_000)) last = calls();
    await provider.idle(30_000);
  };
  let unrouted = 0;

  try {
    await report.check("unregistered, a turn goes to the old provider and leaves no span", async () => {
      await turn("hello");
      await settled();
      assert.ok(calls() > 0);
      assert.deepEqual(await sql`select 1 from signalbox.spans`.then((rows) => rows.length), 0);
    });
    unrouted = calls();

    await report.check("registered while the gateway runs, the next turn goes through the scheduler", async () => {
      assert.equal((await registerOpenclaw(registration)).changed, true);
      await sleep(5_000);
      await turn("hello");
      assert.match(String(routed()[0]?.headers.traceparent), /^00-/);
      assert.equal(routed()[0]?.model, "scripted");
    });

    await report.check("a turn with an exec call and a spawned sub-agent", async () => {
      await turn("please EXEC_AND_SPAWN");
      await settled();
      assert.ok(routed().length >= 7, `${routed().length} calls`);
      await stack.stored({ calls: routed().length, turns: 4 });
    });

    await checkTrees(report, stack, routed);

    const up: number[] = [];
    const down: number[] = [];
    await report.check("with the collector away turns succeed, no slower than noise", async () => {
      for (let pair = 0; pair < PAIRS; pair++) {
        // Alternating which goes first: a gateway gets slower as a session grows.
        for (const away of pair % 2 === 0 ? [true, false] : [false, true]) {
          if (away) await stack.stopCollector();
          else await stack.startCollector();
          const result = await gateway.turn("hello");
          assert.equal(result.status, "ok");
          (away ? down : up).push(result.seconds);
        }
      }
      await stack.startCollector();
      const differences = down.map((seconds, pair) => seconds - (up[pair] ?? 0));
      const noise = Math.max(0.1, spread(up));
      console.log(
        `        median turn ${median(up).toFixed(3)} s with, ${median(down).toFixed(3)} s without collector; median difference ${median(differences).toFixed(3)} s, noise ${noise.toFixed(3)} s`,
      );
      assert.ok(median(differences) <= noise, `slower by ${median(differences)} s`);
    });

    await report.check("the spans of those turns arrive once the collector is back, none lost, none twice", async () => {
      // hello, exec-and-spawn, its sub-agent, its announcement, and the pairs.
      await stack.stored({ calls: routed().length, turns: 4 + 2 * PAIRS });
    });

    await report.check("unregistered again, OpenClaw's config is byte for byte as it was, and turns go the old way, unseen", async () => {
      const seen = calls();
      const [{ spans }] = await sql<[{ spans: number }]>`select count(*)::int as spans from signalbox.spans`;
      await unregisterOpenclaw(registration);
      assert.equal(readFileSync(home.configPath, "utf8"), before);
      await sleep(5_000);
      await turn("hello");
      assert.equal(provider.ledger[seen]?.model, "direct");
      assert.equal(provider.ledger[seen]?.headers["x-signalbox-session"], undefined);
      await sleep(3_000);
      assert.deepEqual(await sql`select count(*)::int as spans from signalbox.spans`.then((rows) => rows[0]?.spans), spans);
      assert.equal(readFileSync(home.configPath, "utf8"), before);
    });
  } finally {
    await gateway.stop();
    await stack.close();
    home.remove();
  }
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
/** Half the distance between the quartiles and then some: what turns differ by for no reason of ours. */
const spread = (values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.ceil(sorted.length * 0.75)] ?? 0) - (sorted[Math.floor(sorted.length * 0.25)] ?? 0);
};
