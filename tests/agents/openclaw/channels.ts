import assert from "node:assert/strict";
import type { LedgerEntry } from "../../support/provider.ts";
import type { Check } from "../report.ts";
import { until } from "../waits.ts";
import { assertCalls, settled } from "./books.ts";
import { ask, progressOf, type Scenario, scriptOf } from "./scenarios.ts";
import { PERSON, startTelegram } from "./telegram.ts";
import { POOL, type World } from "./world.ts";

const TASKS: Scenario["tasks"] = {
  CHAT: (results) => (results === 0 ? { toolCalls: [{ name: "exec", arguments: { command: "echo chat" } }] } : { text: "Told." }),
};
const GROUP = -1_004_146;
const CHANNELS = { direct: "telegram", group: "telegram", web: "webchat" };
type Place = keyof typeof CHANNELS;
const PLACES = Object.keys(CHANNELS) as Place[];
const markOf = (place: Place) => `channel-${place}`;

/** Messages as people send them: to a Telegram bot, which OpenClaw's own Telegram channel is here, and in the gateway's web chat. */
export async function checkChannels(world: World, check: Check): Promise<void> {
  await check("messages on Telegram, direct and in a group, and in the web chat", "registered", async () => {
    const telegram = await startTelegram();
    await world.unregister();
    await world.write(JSON.stringify({ ...JSON.parse(world.before), channels: { telegram: telegram.channel } }));
    await world.register();
    try {
      world.use(scriptOf(TASKS));
      const all = world.since();
      // the web chat's requests show what was said on Telegram: their session is one
      const askedIn = (place: Place) => () => all().filter((entry) => progressOf(entry).mark === markOf(place));
      const text = (place: Place) => ask("CHAT", markOf(place));
      telegram.write(text("direct"));
      await until("the bot answers", () => telegram.said(PERSON).includes("Told."), 60_000);
      telegram.write(text("group"), GROUP);
      await until("the bot answers in the group", () => telegram.said(GROUP).includes("Told."), 60_000);
      const sent = { sessionKey: "agent:main:main", message: text("web"), idempotencyKey: crypto.randomUUID() };
      await world.gateway().client.request("chat.send", sent);
      await until("the web chat's turn has ended", () => askedIn("web")().length === 2, 60_000);
      await world.quiet();

      const sessions = new Map<Place, string | undefined>();
      for (const place of PLACES) {
        const entries = askedIn(place);
        assert.equal(entries().length, 2, place);
        const turns = await turnsOf(world, entries());
        assertCalls(turns, entries(), { turns: ["CHAT"] }, { pool: POOL });
        for (const { channel, name } of turns) assert.equal(channel, CHANNELS[place], `${place}: channel of ${name}`);
        assert.ok(turns.some(({ operation }) => operation === "execute_tool"));
        sessions.set(place, turns[0]?.session_id);
      }
      assert.equal(sessions.get("web"), sessions.get("direct"), "a direct message and the web chat share the main session");
      assert.notEqual(sessions.get("group"), sessions.get("direct"), "a group has a session of its own");
    } finally {
      await world.unregister();
      await world.write(world.before);
      await world.register();
      await telegram.close();
    }
  });
}

const turnsOf = (world: World, entries: LedgerEntry[]) =>
  settled(
    world.stack.sql,
    () => entries,
    (spans) =>
      spans.filter(({ is_call }) => is_call).length === entries.length && spans.some(({ operation }) => operation === "invoke_agent"),
  );
