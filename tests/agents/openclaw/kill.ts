import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { LedgerEntry } from "../../support/provider.ts";
import type { Check } from "../report.ts";
import { until } from "../waits.ts";
import { ask, progressOf, type Scenario, scriptOf, spawn } from "./scenarios.ts";
import type { World } from "./world.ts";

interface Receipt {
  descendants: string[];
  upstream_closed: number;
  agents_acknowledged: string[];
  unknown: string[];
  elapsed_ms: number;
}

const SUB_AGENTS = 17;
const MARK = "signalbox-kill-41441";
const PER_BRANCH = 7;
const branches = ["LEFT", "MIDDLE", "RIGHT"];
const leaves = (branch: string) =>
  branch === "RIGHT" ? [] : Array.from({ length: PER_BRANCH }, (_, n) => `${branch}LEAF${String.fromCharCode(65 + n)}`);

/** 1 + 3 + 14: the leaves of one branch stream, those of the other run a command; the third sub-agent streams. */
const TREE: Scenario["tasks"] = {
  ROOT: (results) => (results === 0 ? { toolCalls: branches.map(spawn) } : slow),
  ...Object.fromEntries(
    branches.map((branch) => [
      branch,
      (results: number) => (results === 0 && leaves(branch).length > 0 ? { toolCalls: leaves(branch).map(spawn) } : slow),
    ]),
  ),
  ...Object.fromEntries(leaves("LEFT").map((leaf) => [leaf, () => slow])),
  ...Object.fromEntries(
    leaves("MIDDLE").map((leaf) => [
      leaf,
      (results: number) =>
        results === 0 ? { toolCalls: [{ name: "exec", arguments: { command: `sleep 60; echo ${MARK}` } }] } : { text: "Went on." },
    ]),
  ),
  BYSTANDER: (results) =>
    results === 0 ? { toolCalls: [{ name: "exec", arguments: { command: "sleep 3; echo bystander" } }] } : { text: "Still here." },
};
const slow = { text: "word ".repeat(300), chunkDelayMs: 200 };

/** A run that was asked for in a session that is killed, as the gateway's log tells it. */
const BLOCKED = "before_agent_run hook blocked by signalbox";
/** OpenClaw tells a session of its aborted sub-agents some six minutes after their end. */
const WOKEN_WITHIN_MS = 600_000;

/**
 * Kill of a tree of 1 + 17 in mid-work, beside another session that must not notice; then a refused turn. On a gateway of its own: OpenClaw
 * goes on to wake the killed session for half an hour. Returns a check for later: that this asks no model, and that a resume lifts the kill.
 */
export async function checkKill(world: World, check: Check, notes: string[]): Promise<() => Promise<void>> {
  const { gateway, quiet, close } = await world.beside();
  let later: () => Promise<void> = async () => assert.fail("the tree was not killed");
  await check(`kill of a session with ${SUB_AGENTS} sub-agents`, "registered", async () => {
    world.use(scriptOf(TREE));
    // a gateway that has just started is at work by itself, for seconds at a time without looking at its sockets
    await gateway.turn(ask("BYSTANDER", "first-turn"), { sessionKey: "agent:main:telegram:direct:first" });
    await quiet();
    const taskOf = (entry: LedgerEntry) => progressOf(entry).name;
    const [asked, bystanders] = [world.since(), world.since("bystander")];
    const victims = () => asked().filter((entry) => !bystanders().includes(entry));
    const sessionKey = "agent:main:telegram:direct:victim";
    const askRoot = () => gateway.turn(ask("ROOT", "victim"), { sessionKey });
    const turn = askRoot();
    const isWhole = () => {
      const tasks = victims().map(taskOf);
      return branches.flatMap((branch) => [branch, ...leaves(branch)]).every((name) => tasks.includes(name)) && commands() === PER_BRANCH;
    };
    await until("the whole tree works", isWhole, 150_000);
    const other = gateway.turn(ask("BYSTANDER", "bystander"), { sessionKey: "agent:main:telegram:direct:bystander" });
    await until("the other session works", () => bystanders().length > 0, 20_000);

    const session = await world.sessionOf(victims()[0]);
    const receipt = await world.control<Receipt>(session, "kill");
    const atReceipt = victims().length;
    assert.equal(receipt.descendants.length, SUB_AGENTS, "all sub-agents are named");
    assert.deepEqual(receipt.unknown, []);
    assert.equal(receipt.agents_acknowledged.length, 1, "the gateway's plugin says that all runs have ended");
    assert.ok(receipt.upstream_closed > leaves("LEFT").length, `${receipt.upstream_closed} upstream connections closed`);
    const begun = performance.now();
    await until("the commands are gone", () => commands() === 0, 5_000);
    const commandsGone = (performance.now() - begun) / 1000;
    await turn;
    // Announcements of ended sub-agents would come within seconds.
    await sleep(8_000);
    assert.equal(victims().length, atReceipt, "no provider request after the receipt");
    assert.equal((await other).status, "ok");
    assert.ok(
      bystanders().some((entry) => progressOf(entry).results === 1),
      "the other session went on",
    );
    notes.push(
      `kill of a tree of 1 + ${SUB_AGENTS}: receipt after ${(receipt.elapsed_ms / 1000).toFixed(2)} s with every run ended and ` +
        `${receipt.upstream_closed} upstream connections closed, commands gone ${commandsGone.toFixed(2)} s after it, no provider request after it.`,
    );

    await askRoot();
    await quiet();
    assert.equal(victims().length, atReceipt, "a new turn is refused");

    const ofVictim = world.since("victim");
    const blocked = () => gateway.log().split(BLOCKED).length;
    const before = blocked();
    later = async () => {
      await until("OpenClaw has woken the killed session", () => blocked() > before, WOKEN_WITHIN_MS);
      await quiet();
      assert.equal(ofVictim().length, 0, "nothing of it has asked a model since");
      await world.control(session, "resume");
      world.use(scriptOf({ ROOT: () => ({ text: "Back." }) }));
      assert.equal((await askRoot()).status, "ok");
      assert.ok(ofVictim().length > 0, "resume lifts the block");
    };
  });
  return async () => {
    await check("killed session: woken by OpenClaw minutes later it asks no model, and a resume lifts the kill", "registered", () =>
      later(),
    );
    await close();
  };
}

/** How many processes of this machine run a leaf's command. */
function commands(): number {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      // The shell itself: what it runs is named on its own command line.
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`echo ${MARK}`);
    } catch {
      return false;
    }
  }).length;
}
