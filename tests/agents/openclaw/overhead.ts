import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median } from "../paired.ts";
import type { Check } from "../report.ts";
import { settled } from "./books.ts";
import { SCENARIOS, scriptOf } from "./scenarios.ts";
import type { World } from "./world.ts";

const PAIRS = 8;
const SESSION = "agent:main:telegram:direct:overhead";

/** Turns with the plugin and without, with the collector and without, and with a plugin that throws at every event. */
export async function checkOverhead(world: World, check: Check, notes: string[]): Promise<void> {
  const { stack } = world;
  const seconds = async () => {
    const result = await world.gateway().turn("hello", { sessionKey: SESSION });
    assert.equal(result.status, "ok");
    return result.seconds;
  };

  await check("turns no slower with the collector away, and their spans arrive later", "registered", async () => {
    world.use(() => ({ text: "Hello." }));
    const asked = world.since();
    const [up, down]: [number[], number[]] = [[], []];
    for (let pair = 0; pair < PAIRS; pair++) {
      // Alternating which goes first: a gateway gets slower as a session grows.
      for (const away of pair % 2 === 0 ? [true, false] : [false, true]) {
        await (away ? stack.stopCollector() : stack.startCollector());
        (away ? down : up).push(await seconds());
      }
    }
    await stack.startCollector();
    notes.push(`turns with the collector away against with it: ${judged(down, up)}.`);
    await settled(stack.sql, asked, (all) => all.filter(({ operation }) => operation === "invoke_agent").length === 2 * PAIRS);
  });

  await check("turns no slower with the plugin than without", "registered", async () => {
    const [watched, alone]: [number[], number[]] = [[], []];
    await world.unregister();
    // Blocks, as the gateway takes seconds to load a plugin; both ways straight to the provider.
    for (const observed of [false, true, true, false]) {
      await (observed ? world.register({ observeOnly: true }) : world.unregister());
      await seconds();
      for (let n = 0; n < PAIRS / 2; n++) (observed ? watched : alone).push(await seconds());
    }
    notes.push(`turns with the plugin against without: ${judged(watched, alone)}.`);
    await world.register();
  });

  await check("a plugin that throws at every event harms no turn", "registered", async () => {
    const bundle = join(world.home.dir, "signalbox", "plugins", "openclaw", "dist", "index.js");
    const whole = readFileSync(bundle, "utf8");
    const thrown = `throw new Error("forced");`;
    const broken = whole.replace(/(diagnostic\(raw\) \{)/, `$1 ${thrown}`).replaceAll(/(startSpan\([^)]*\) \{)/g, `$1 ${thrown}`);
    assert.notEqual(broken, whole);
    writeFileSync(bundle, broken);
    try {
      await world.restart();
      const scenario = SCENARIOS["sub-agent, detached"];
      world.use(scriptOf(scenario?.tasks ?? {}));
      const asked = world.since();
      assert.equal((await world.gateway().turn("please PARENT", { sessionKey: SESSION })).status, "ok");
      await world.quiet();
      assert.equal(asked().length, 5, "two calls of the parent, two of the sub-agent, one of its announcement");
      assert.doesNotMatch(world.gateway().log(), /uncaught/i);
    } finally {
      writeFileSync(bundle, whole);
      await world.restart();
    }
  });
}

/** Says it, and throws where the first kind is slower by more than turns of the second differ among themselves. */
function judged(these: number[], those: number[]): string {
  const difference = median(these) - median(those);
  const noise = Math.max(0.1, spread(those));
  assert.ok(difference <= noise, `slower by ${difference} s, noise ${noise} s`);
  return `median ${median(these).toFixed(3)} s against ${median(those).toFixed(3)} s, spread ${spread(those).toFixed(3)} s, ${these.length} each`;
}

/** Half of the turns lie in so much. */
const spread = (values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.ceil(sorted.length * 0.75)] ?? 0) - (sorted[Math.floor(sorted.length * 0.25)] ?? 0);
};
