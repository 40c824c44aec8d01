import assert from "node:assert/strict";
import { settled } from "./books.ts";
import { startCodex } from "./cli.ts";
import type { KillContext } from "./kill.ts";
import { SCENARIOS } from "./scenarios.ts";

/** AGENTS.md read, read in part, patched and appended to, each below the tool call that did it; the command that failed did nothing. */
export async function checkMemory({ check, stack, cli, machine, play }: Omit<KillContext, "token" | "pool">): Promise<void> {
  await check("registered", "AGENTS.md read and written", async () => {
    play("memory");
    const end = await startCodex(cli.bin, machine, [SCENARIOS.memory?.runs[0]?.prompt ?? ""]).end;
    assert.equal(end.code, 0, end.stdout);
    const root = end.thread as string;
    await settled(stack.sql, root, (all) => all.filter(({ operation }) => operation === "memory").length >= 4);
    const seen = await stack.sql<{ operation: string; path: string; lines: string | null; diff: string | null; parent: string | null }[]>`
      select s.attributes->>'signalbox.memory.operation' as operation, s.attributes->>'signalbox.memory.path' as path,
        s.attributes->>'signalbox.memory.lines' as lines, m.body->'parts'->0->>'content' as diff, p.name as parent
      from signalbox.spans s
      left join signalbox.spans p on p.trace_id = s.trace_id and p.span_id = s.parent_span_id
      left join signalbox.span_messages c on c.span_id = s.span_id and c.direction = 'input'
      left join signalbox.messages m on m.session_id = s.session_id and m.hash = c.hashes[1]
      where s.session_id = ${root} and s.operation = 'memory' order by s.start_time`;
    const path = "AGENTS.md";
    const parent = seen[0]?.parent;
    assert.ok(parent, "each hangs below what ran it");
    assert.deepEqual(
      seen.map((one) => ({ ...one })),
      [
        { operation: "read", path, lines: null, diff: null, parent },
        { operation: "read", path, lines: "1-2", diff: null, parent },
        {
          operation: "write",
          path,
          lines: null,
          diff: "- The favourite colour is teal.\n+ The favourite colour is green.",
          parent,
        },
        { operation: "write", path, lines: null, diff: null, parent },
      ],
    );
  });
}
