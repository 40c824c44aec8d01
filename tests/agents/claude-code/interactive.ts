import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RichScript } from "../../support/provider-anthropic-or-responses.ts";
import { control, REASON } from "../control.ts";
import type { Check } from "../report.ts";
import { until } from "../waits.ts";
import { agentsOf, assertRouted, assertSums, assertTree, sessionOf, settled, toolCallsOf } from "./books.ts";
import { type ClaudeMachine, MODEL } from "./cli.ts";
import { scriptOf } from "./scripted.ts";
import { type ClaudeSuite, POOL, TOKEN } from "./world.ts";

interface Sitting {
  /** Types a prompt, and sends it. */
  say(text: string): Promise<void>;
  /** Until this stood on the screen; rejects with what did. */
  shown(text: string): Promise<void>;
  isRunning(): boolean;
  leave(): Promise<void>;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CONTROLS = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007]*\u0007|[()][A-Z0-9]|[=>])/g;

/** Between words it moves the cursor as often as it writes a space. */
const unspaced = (text: string) => text.replaceAll(/\s+/g, "");

/** Claude Code at a terminal of its own, by `script` of util-linux; past what it asks a new user. */
async function sitAt(bin: string, machine: ClaudeMachine): Promise<Sitting> {
  const project = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true, allowedTools: [] };
  const settled = { hasCompletedOnboarding: true, theme: "dark", customApiKeyResponses: { approved: ["users-own-key"], rejected: [] } };
  writeFileSync(join(machine.home, ".claude.json"), JSON.stringify({ ...settled, projects: { [machine.project]: project } }));
  const child = spawn("script", ["-qfec", `${bin} --model ${MODEL} --allowedTools Bash Agent Task`, "/dev/null"], {
    cwd: machine.project,
    env: { ...machine.env, TERM: "xterm-256color", COLUMNS: "120", LINES: "40" } as unknown as NodeJS.ProcessEnv,
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const closed = once(child, "close");
  let written = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written += text;
  });
  const screen = () => written.replace(CONTROLS, "");
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const say = async (text: string) => {
    child.stdin.write(text);
    // typed, not pasted with the return in it
    await sleep(300);
    child.stdin.write("\r");
  };
  await until("the prompt is there", () => /shortcuts|Try "/.test(screen()), 30_000);
  return {
    say,
    shown: (text) =>
      until(`"${text}" on the screen`, () => unspaced(screen()).includes(unspaced(text)), 30_000).catch((error: Error) => {
        throw new Error(`${error.message}; there was: ${screen().replaceAll(/\s+/g, " ").slice(-800)}`);
      }),
    isRunning,
    async leave() {
      if (isRunning()) await say("/exit");
      const timer = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), 10_000);
      await closed;
      clearTimeout(timer);
    },
  };
}

const tool = (name: string, input: Record<string, unknown>) => ({ toolCalls: [{ name, input }] });
const agent = (prompt: string, background: boolean) =>
  tool("Agent", { description: "scripted task", prompt, subagent_type: "general-purpose", run_in_background: background });

/** Someone at a terminal: several turns in one session, sub-agents among them, and a stop that holds until it is lifted. */
export async function checkInteractive(
  { bin, stack, machine }: ClaudeSuite,
  check: Check,
  use: (script: RichScript) => void,
): Promise<void> {
  const { provider, sql } = stack;
  const asked = (from: number) => provider.ledger.slice(from).filter(({ path }) => path === "/v1/messages");

  await check("at a terminal: tool call, sub-agent, three turns", "registered", async () => {
    const from = provider.ledger.length;
    use(
      scriptOf({
        SIT_TOOL: (results) => (results === 0 ? tool("Bash", { command: "echo hi", description: "x" }) : { text: "One done." }),
        SIT_AGENT: (results) => (results === 0 ? agent("SIT_CHILD please", false) : { text: "Two done." }),
        SIT_CHILD: (results) => (results === 0 ? tool("Bash", { command: "echo child", description: "x" }) : { text: "Child done." }),
        SIT_PLAIN: () => ({ text: "Three done." }),
      }),
    );
    const sitting = await sitAt(bin, machine);
    for (const [prompt, answer] of [
      ["SIT_TOOL please", "One done."],
      ["SIT_AGENT please", "Two done."],
      ["SIT_PLAIN please", "Three done."],
    ] as const) {
      await sitting.say(prompt);
      await sitting.shown(answer);
    }
    await sitting.leave();
    await provider.idle(10_000);
    const entries = asked(from);
    const session = sessionOf(entries[0] ?? assert.fail("nothing was asked")) as string;
    const own = entries.filter((entry) => sessionOf(entry) === session);
    const spans = await settled(
      sql,
      session,
      (all) =>
        all.filter(({ is_call }) => is_call).length >= own.length &&
        all.filter(({ operation }) => operation === "invoke_agent").length >= 3,
    );
    assertRouted(spans, own, POOL);
    await assertSums(sql, session, spans);
    assertTree(spans, await agentsOf(sql, session), own, toolCallsOf(own));
    assert.equal(new Set(own.map(({ headers }) => headers["x-claude-code-prompt-id"])).size >= 3, true, "three turns");
  });

  await check("at a terminal: killed in mid-stream, refused until resumed", "registered", async () => {
    const from = provider.ledger.length;
    use(
      scriptOf({
        SIT_LONG: () => ({ text: Array.from({ length: 300 }, (_, n) => `word${n}`).join(" "), chunkDelayMs: 100 }),
        SIT_AFTER: () => ({ text: "Not yet." }),
        SIT_AGAIN: () => ({ text: "On again." }),
      }),
    );
    const sitting = await sitAt(bin, machine);
    try {
      await sitting.say("SIT_LONG please");
      await until("it streams", () => asked(from).some(({ rawBody }) => rawBody.includes("SIT_LONG")));
      await sleep(1_000);
      const session = sessionOf(asked(from)[0] ?? assert.fail("nothing was asked")) as string;
      const receipt = await control(stack.schedulerUrl, TOKEN, session, "kill");
      const atReceipt = asked(from).length;
      assert.ok(receipt.upstream_closed >= 1, "its call is closed");
      assert.ok(
        receipt.unknown.some((line) => line.includes("interactive")),
        `the receipt says that its process was left to the person: ${receipt.unknown}`,
      );
      await sleep(2_000);
      await sitting.say("SIT_AFTER please");
      await sitting.shown(REASON);
      await sleep(1_500);
      assert.equal(asked(from).length, atReceipt, "no provider request after the receipt");
      assert.ok(sitting.isRunning(), "the person's terminal is left alone");
      await control(stack.schedulerUrl, TOKEN, session, "resume");
      await sitting.say("SIT_AGAIN please");
      await sitting.shown("On again.");
    } finally {
      await sitting.leave();
    }
  });
}
