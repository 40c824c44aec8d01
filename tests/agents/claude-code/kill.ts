import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { RichScript } from "../../support/provider-anthropic-or-responses.ts";
import { runs } from "../agent-process.ts";
import { control, REASON } from "../control.ts";
import type { Check } from "../report.ts";
import { until } from "../waits.ts";
import { sessionOf } from "./books.ts";
import { startClaude } from "./cli.ts";
import { scriptOf } from "./scripted.ts";
import { type ClaudeSuite, TOKEN } from "./world.ts";

const agent = (prompt: string) => ({
  name: "Agent",
  input: { description: "scripted task", prompt, subagent_type: "general-purpose", run_in_background: false },
});
const bash = (command: string) => ({ name: "Bash", input: { command, description: "scripted command" } });
const MARK = "signalbox-kill-31337";

/** Kill of a tree of nested sub-agents in mid-work, beside another session that must not notice; then a resume. */
export async function checkKill({ bin, stack, machine }: ClaudeSuite, check: Check, use: (script: RichScript) => void): Promise<void> {
  const { provider, schedulerUrl } = stack;
  const entries = () => provider.ledger.filter(({ path }) => path === "/v1/messages");

  for (const streams of [true, false]) {
    const doing = streams ? "streams" : "runs a command";
    await check(`kill of nested sub-agents while the innermost ${doing}`, "registered", async () => {
      const from = entries().length;
      use(
        scriptOf({
          PARENT_TASK: (results) => (results === 0 ? { toolCalls: [agent("MIDDLE_TASK please")] } : { text: "Went on." }),
          MIDDLE_TASK: (results) => (results === 0 ? { toolCalls: [agent("CHILD_TASK please")] } : { text: "Went on." }),
          CHILD_TASK: (results) =>
            streams
              ? { text: Array.from({ length: 200 }, (_, n) => `word${n}`).join(" "), chunkDelayMs: 100 }
              : results === 0
                ? { toolCalls: [bash(`sleep 8; echo ${MARK}`)] }
                : { text: "Went on." },
          BYSTANDER: (results) => (results === 0 ? { toolCalls: [bash("sleep 3; echo bystander")] } : { text: "Still here." }),
        }),
      );
      const victim = startClaude(bin, machine, "PARENT_TASK please");
      await until("the innermost sub-agent works", () => {
        const last = entries().slice(from).at(-1);
        const isChild = last?.rawBody.includes("CHILD_TASK") === true && last.headers["x-claude-code-parent-agent-id"] !== undefined;
        return isChild && (streams || runs(`echo ${MARK}`));
      });
      const other = startClaude(bin, machine, "BYSTANDER please");
      const [first] = entries().slice(from);
      assert.ok(first);
      const session = sessionOf(first) as string;
      await until("the other session is asked", () =>
        entries()
          .slice(from)
          .some((entry) => sessionOf(entry) !== session),
      );
      const receipt = await control(schedulerUrl, TOKEN, session, "kill");
      const atReceipt = entries().filter((entry) => sessionOf(entry) === session).length;
      const begun = performance.now();
      assert.equal(receipt.descendants.length, 2, "both sub-agents are named");
      if (streams) assert.equal(receipt.upstream_closed, 1);
      assert.deepEqual(receipt.unknown, []);
      assert.equal(receipt.agents_acknowledged.length, 1, "the process is gone");
      assert.equal(runs(`echo ${MARK}`), false, "and its commands");
      const end = await victim.end;
      console.log(`        stopped ${((performance.now() - begun) / 1000).toFixed(1)} s after the receipt, exit ${end.code}`);
      await sleep(1_500);
      assert.equal(entries().filter((entry) => sessionOf(entry) === session).length, atReceipt, "no provider request after the receipt");
      const bystander = await other.end;
      assert.equal(bystander.code, 0, "the other session went on");
      assert.equal(bystander.result?.result, "Still here.");

      const refused = await startClaude(bin, machine, "BYSTANDER please", { args: ["--resume", session] }).end;
      assert.match(refused.stdout + refused.stderr, new RegExp(REASON));
      assert.equal(entries().filter((entry) => sessionOf(entry) === session).length, atReceipt, "a resumed run is refused");
      await control(schedulerUrl, TOKEN, session, "resume");
      const lifted = await startClaude(bin, machine, "BYSTANDER please", { args: ["--resume", session] }).end;
      assert.equal(lifted.result?.result, "Still here.", "resume lifts the block");
    });
  }
}
