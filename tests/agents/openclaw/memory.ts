import assert from "node:assert/strict";
import { settled } from "./books.ts";
import { scriptOf } from "./scenarios.ts";
import type { Check } from "./suite.ts";
import type { World } from "./world.ts";

/** A memory file is written, changed and read by OpenClaw's tools: each access with its path, operation, and lines. */
export async function checkMemory(world: World, check: Check): Promise<void> {
  await check("memory file written, edited, read and fetched", "registered", async () => {
    const path = "memory/2026-11-21.md";
    const steps = [
      { name: "write", arguments: { path, content: "colour: teal\n" } },
      { name: "edit", arguments: { path, edits: [{ oldText: "teal", newText: "green" }] } },
      { name: "read", arguments: { path, offset: 1, limit: 1 } },
      { name: "memory_get", arguments: { path } },
    ];
    world.use(
      scriptOf({
        REMEMBER: (results) => {
          const step = steps[results];
          return step === undefined ? { text: "Remembered." } : { toolCalls: [step] };
        },
      }),
    );
    const asked = world.since();
    assert.equal((await world.gateway().turn("please REMEMBER", { sessionKey: "agent:main:telegram:direct:memory" })).status, "ok");
    const spans = await settled(world.stack.sql, asked, (all) => all.filter(({ operation }) => operation === "memory").length >= 4);
    const accesses = spans.filter(({ operation }) => operation === "memory");
    const byId = new Map(spans.map((span) => [span.id, span]));
    const seen = accesses.map(({ parent, attributes }) => {
      assert.match(String(attributes["signalbox.memory.path"]), /\/workspace\/memory\/2026-11-21\.md$/);
      const lines = attributes["signalbox.memory.lines"] ?? "";
      return `${byId.get(parent ?? "")?.tool_name} ${attributes["signalbox.memory.operation"]} ${lines}`.trim();
    });
    assert.deepEqual(seen.toSorted(), ["edit write", "memory_get read", "read read 1-1", "write write"]);
  });
}
