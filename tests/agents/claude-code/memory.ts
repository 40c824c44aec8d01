import assert from "node:assert/strict";
import { join } from "node:path";
import type { RichScript } from "../../support/provider-anthropic-or-responses.ts";
import type { Check } from "../report.ts";
import { settled } from "./books.ts";
import { startClaude } from "./cli.ts";
import { scriptOf } from "./scripted.ts";
import type { ClaudeSuite } from "./world.ts";

/** CLAUDE.md is loaded at the start, read, and written: three accesses, the write with its lines. */
export async function checkMemory({ bin, stack, machine }: ClaudeSuite, check: Check, use: (script: RichScript) => void): Promise<void> {
  await check("memory file loaded, read and edited", "registered", async () => {
    const path = join(machine.project, "CLAUDE.md");
    use(
      scriptOf({
        MEMORY: (results) =>
          [
            { toolCalls: [{ name: "Read", input: { file_path: path } }] },
            { toolCalls: [{ name: "Edit", input: { file_path: path, old_string: "teal", new_string: "green" } }] },
          ][results] ?? { text: "Remembered." },
      }),
    );
    const end = await startClaude(bin, machine, "MEMORY please").end;
    assert.equal(end.code, 0, end.stdout);
    const session = end.result?.session_id as string;
    const spans = await settled(stack.sql, session, (all) => all.filter(({ operation }) => operation === "memory").length >= 3);
    const seen = spans
      .filter(({ operation }) => operation === "memory")
      .map(({ attributes }) => `${attributes["signalbox.memory.operation"]} ${attributes["signalbox.memory.path"]}`);
    assert.deepEqual(seen.toSorted(), [`read ${path}`, `read ${path}`, `write ${path}`]);
    const [diff] = await stack.sql<{ body: { parts: { content: string }[] } }[]>`
      select m.body from signalbox.messages m join signalbox.span_messages s using (session_id)
      join signalbox.spans p on p.session_id = s.session_id and p.span_id = s.span_id and p.operation = 'memory'
      where m.hash = any(s.hashes) and m.session_id = ${session}`;
    assert.equal(diff?.body.parts[0]?.content, "- teal\n+ green");
  });
}
