import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { runs } from "../agent-process.ts";
import type { InstalledCli } from "../capture/install.ts";
import { control, REASON, type Receipt } from "../control.ts";
import type { Stack } from "../stack.ts";
import { until } from "../waits.ts";
import { askedOf, settled, turnOf } from "./books.ts";
import { type CodexMachine, type RunningCodex, startCodex } from "./cli.ts";
import { COMMAND_MARK } from "./scenarios.ts";

export interface KillContext {
  check(mode: string, name: string, run: () => Promise<void>): Promise<void>;
  stack: Stack;
  cli: InstalledCli;
  machine: CodexMachine;
  token: string;
  pool: string;
  /** The provider follows the scenario from now on. */
  play(name: string): void;
}

/** A stop while the real Codex streams, alone and with a sub-agent below it, beside a session that must not notice. */
export async function checkKill({ check, stack, cli, machine, token, pool, play }: KillContext): Promise<void> {
  const { provider, sql } = stack;
  const ask = (session: string, verb: "kill" | "resume") => control(stack.schedulerUrl, token, session, verb);
  /** Root session of the next `count` requests to the provider. */
  const asked = async (since: number, count: number) => {
    await until(`${count} requests`, () => provider.ledger.length >= since + count, 60_000);
    return String(provider.ledger[since]?.headers["session-id"]);
  };

  await check("registered", "kill in mid-stream", async () => {
    play("killed-mid-stream");
    const since = provider.ledger.length;
    const run = startCodex(cli.bin, machine, ["LONG_ANSWER please"]);
    const root = await asked(since, 1);
    await sleep(1_000);
    await stopped(run, root, 1);
    // its own call was closed: it ends by that, before anybody sends a signal
    assert.match((await run.end).stdout, new RegExp(`was killed: ${REASON}`));
    const spans = await settled(sql, root, (all) => all.some((span) => span.is_call));
    // a Responses stream tells its input at the end only: of one that was cut the input is estimated, and said to be
    const [call] = spans.filter((span) => span.is_call);
    const [entry] = askedOf(provider.ledger, root);
    assert.deepEqual([call?.agent_id, call?.turn_id, call?.pool], [root, entry && turnOf(entry), pool]);
    assert.equal(call?.cost_source, "estimated");
    // the provider may have written one more chunk into the socket that was closing
    const unread = (entry?.usage.output ?? 0) - Number(call?.output);
    assert.ok(unread === 0 || unread === 1, `${unread} tokens that the provider served are not in the books`);

    const resumed = await ask(root, "resume");
    assert.equal(resumed.state, "active");
    const again = await startCodex(cli.bin, machine, ["resume", root, "Say hello"]).end;
    assert.equal(again.code, 0, `resumed: ${again.stdout}`);
  });

  await check("registered", "kill of a tree", async () => {
    play("killed-in-sub-agent");
    const since = provider.ledger.length;
    const other = startCodex(cli.bin, machine, ["LONG_ANSWER please"]);
    const otherRoot = await asked(since, 1);
    const run = startCodex(cli.bin, machine, ["PARENT_TASK please"]);
    // the parent, its sub-agent, and the parent again
    await until(
      "the sub-agent streams",
      () => provider.ledger.slice(since).some(({ headers }) => headers["x-codex-parent-thread-id"]),
      60_000,
    );
    const root = String(provider.ledger.slice(since).find(({ headers }) => headers["x-codex-parent-thread-id"])?.headers["session-id"]);
    assert.notEqual(root, otherRoot);
    await sleep(1_000);
    const receipt = await stopped(run, root, 1);
    assert.ok(receipt.descendants.length >= 1, "the sub-agent is named");
    assert.equal(
      askedOf(provider.ledger, otherRoot).some(({ clientClosed }) => clientClosed),
      false,
    );
    const end = await other.end;
    assert.equal(end.code, 0, `the other session ended with ${end.code}`);
  });

  await check("registered", "kill of nested sub-agents while the innermost runs a command", async () => {
    play("killed-in-nested-command");
    const since = provider.ledger.length;
    const other = startCodex(cli.bin, machine, ["LONG_ANSWER please"]);
    const otherRoot = await asked(since, 1);
    const run = startCodex(cli.bin, machine, ["-c", "features.multi_agent_v2=false", "PARENT_TASK please"]);
    await until("the innermost command runs", () => runs(COMMAND_MARK), 60_000);
    const root = String(provider.ledger.slice(since).find(({ headers }) => headers["session-id"] !== otherRoot)?.headers["session-id"]);
    const receipt = await ask(root, "kill");
    const requests = askedOf(provider.ledger, root).length;
    assert.ok(receipt.descendants.length >= 2, "both sub-agents are named");
    assert.deepEqual([receipt.unknown, receipt.agents_acknowledged.length], [[], 1], "the process is gone");
    assert.equal(runs(COMMAND_MARK), false, "and the command that it ran");
    const end = await run.end;
    assert.notEqual(end.code, 0);
    await sleep(2_000);
    assert.equal(askedOf(provider.ledger, root).length, requests, "requests after the receipt");
    assert.equal(
      askedOf(provider.ledger, otherRoot).some(({ clientClosed }) => clientClosed),
      false,
    );
    assert.equal((await other.end).code, 0, "the other session went on");
  });

  async function stopped(run: RunningCodex, session: string, open: number): Promise<Receipt> {
    const killedAt = performance.now();
    const receipt = await ask(session, "kill");
    const seconds = (performance.now() - killedAt) / 1000;
    const requests = provider.ledger.length;
    assert.equal(receipt.state, "killed");
    assert.ok(receipt.upstream_closed >= open, JSON.stringify(receipt));
    // not acknowledged either where the run ended by the closed call before it was looked for
    assert.deepEqual(receipt.unknown, []);
    assert.equal(receipt.slots_freed, receipt.upstream_closed);
    const end = await run.end;
    const gone = (performance.now() - killedAt) / 1000;
    assert.notEqual(end.code, 0);
    await until("its processes are gone", () => !alive(run.pid), 5_000);
    await sleep(2_000);
    const later = provider.ledger.slice(requests).filter(({ headers }) => headers["session-id"] === session);
    assert.deepEqual(later.length, 0, "requests after the receipt");
    console.log(
      `        receipt after ${seconds.toFixed(2)} s, ${receipt.upstream_closed} calls closed; codex ended after ${gone.toFixed(2)} s`,
    );
    return receipt;
  }
}

/** Whether anything of a process group is left. */
function alive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}
