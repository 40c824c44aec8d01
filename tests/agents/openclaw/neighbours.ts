import assert from "node:assert/strict";
import { join } from "node:path";
import { openclawHistory } from "@signalbox/openclaw/import";
import { importHistory } from "../../../plugins/cli/src/import/run.ts";
import { spanSender } from "../../../plugins/cli/src/import/send.ts";
import type { Check } from "../report.ts";
import { until } from "../waits.ts";
import { settled } from "./books.ts";
import { type Scenario, scriptOf } from "./scenarios.ts";
import { TOKEN, type World } from "./world.ts";

const TASKS: Scenario["tasks"] = {
  WAITING: (results) =>
    results === 0 ? { toolCalls: [{ name: "exec", arguments: { command: "sleep 4; echo waited" } }] } : { text: "Went on." },
  HELLO: () => ({ text: "Hello." }),
};
const keyOf = (name: string) => `agent:main:telegram:direct:${name}`;

/** What goes on beside a session: others that a refusal must not reach, other gateways, and the same history read from disk. */
export async function checkNeighbours(world: World, check: Check): Promise<void> {
  const turn = (task: string, name: string) => world.gateway().turn(`please ${task}`, { sessionKey: keyOf(name) });

  await check("call refused by the gateway: no fallback model is asked, no other session notices", "registered", async () => {
    await world.unregister();
    const { agents, ...rest } = JSON.parse(world.before) as { agents: { defaults: object } };
    const model = { primary: "direct/direct", fallbacks: ["direct/direct"] };
    await world.write(JSON.stringify({ ...rest, agents: { defaults: { ...agents.defaults, model } } }));
    await world.register({ key: TOKEN });
    try {
      world.use(scriptOf(TASKS));
      const asked = world.since();
      const refused = turn("WAITING", "refused");
      await until("the turn has asked a model", () => asked().length > 0, 60_000);
      const session = await world.sessionOf(asked()[0]);
      await world.control(session, "pause");
      await refused;
      assert.equal(asked().length, 1, "the call after the tool is refused");
      // A key that OpenClaw takes for bad is out of use for a minute.
      assert.equal((await turn("HELLO", "untouched")).status, "ok");
      assert.equal(asked().length, 2);
      await world.control(session, "resume");
      assert.equal((await turn("HELLO", "refused")).status, "ok");
      assert.equal(asked().length, 3);

      await world.limit(session, 0.000_001);
      await turn("HELLO", "refused");
      assert.equal(asked().length, 3, "the first call of a turn is refused, and the fallback model is not asked");
      assert.equal((await turn("HELLO", "untouched")).status, "ok");
      await world.limit(session, 1_000);
      assert.equal((await turn("HELLO", "refused")).status, "ok");
      assert.equal(asked().length, 5);
      await world.quiet();
    } finally {
      await world.unregister();
      await world.write(world.before);
      await world.register();
    }
  });

  await check("two gateways, the same session key: two sessions, and a kill of one", "registered", async () => {
    world.use(scriptOf(TASKS));
    const asked = world.since();
    const second = await world.beside();
    try {
      const sessionKey = "agent:main:main";
      await world.gateway().turn("please HELLO", { sessionKey });
      await second.gateway.turn("please HELLO", { sessionKey });
      const spans = await settled(
        world.stack.sql,
        asked,
        (all) => all.filter(({ operation }) => operation === "invoke_agent").length === 2,
      );
      assert.equal(new Set(spans.map(({ session_id }) => session_id)).size, 2, "sessions");
      const receipt = await world.control<{ agents_acknowledged: string[]; unknown: string[] }>(await world.sessionOf(asked()[0]), "kill");
      assert.deepEqual([receipt.agents_acknowledged.length, receipt.unknown], [1, []]);
      await world.gateway().turn("please HELLO", { sessionKey });
      assert.equal(asked().length, 2, "the killed one is refused");
      assert.equal((await second.gateway.turn("please HELLO", { sessionKey })).status, "ok");
      assert.equal(asked().length, 3, "the other goes on");
      await world.control(await world.sessionOf(asked()[0]), "resume");
    } finally {
      await second.close();
    }
    assert.equal((await turn("HELLO", "after")).status, "ok", "unregistering one leaves the other its plugin");
    await settled(
      world.stack.sql,
      () => asked().slice(3),
      (all) => all.some(({ operation }) => operation === "invoke_agent"),
    );
  });

  await check("everything so far imported from OpenClaw's own files: what was seen live counts once", "registered", async () => {
    await world.quiet();
    const books = () => world.stack.sql`
      select session_id, calls::int, turns::int, tool_calls::int, input_tokens::int, output_tokens::int, cost_nusd::float8 from signalbox.sessions
      where agent_kind = 'openclaw' order by session_id`;
    const before = await books();
    const sender = spanSender(world.stack.collectorUrl, undefined);
    const sources = openclawHistory(join(world.home.home, ".openclaw"));
    const found = await importHistory(sources, { sinceMs: 0, content: false, send: sender.add });
    await sender.end();
    assert.ok(found.calls > 0 && found.malformed_lines === 0, `${found.calls} calls, malformed: ${found.malformed}`);
    const known = new Set(before.map(({ session_id }) => session_id));
    const after = (await books()).filter(({ session_id }) => known.has(session_id));
    assert.deepEqual(
      after.map((row) => ({ ...row })),
      before.map((row) => ({ ...row })),
    );
  });
}
