import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAppServer } from "../../../plugins/codex/src/running-app-server.ts";
import { runs } from "../agent-process.ts";
import { control } from "../control.ts";
import { until } from "../waits.ts";
import { askedOf } from "./books.ts";
import type { CodexMachine } from "./cli.ts";
import type { KillContext } from "./kill.ts";
import { COMMAND_MARK } from "./scenarios.ts";

/** Where `codex app-server --listen unix://` and the daemon of a terminal listen (0.169.0): a link to the socket. */
const socketOf = (machine: CodexMachine) => readlinkSync(join(machine.home, ".codex", "app-server-control", "app-server-control.sock"));

/** A stop of sessions in an app-server that somebody else started and talks to, beside another session in it that must not notice. */
export async function checkAppServer({ check, stack, cli, machine, token, play }: KillContext): Promise<void> {
  const { provider } = stack;
  await check("registered", "kill in an app-server that somebody else started", async () => {
    const child = spawn(cli.bin, ["app-server", "--listen", "unix://", "-c", "features.multi_agent_v2=false"], {
      cwd: machine.project,
      env: machine.env as unknown as NodeJS.ProcessEnv,
      stdio: "ignore",
    });
    const exited = once(child, "exit");
    try {
      let somebody: Awaited<ReturnType<typeof connectAppServer>> | undefined;
      await until("the app-server listens", async () => {
        try {
          somebody = await connectAppServer({ socketPath: socketOf(machine) });
          return true;
        } catch {
          return false;
        }
      });
      const begin = async (prompt: string): Promise<string> => {
        const { thread } = (await somebody?.call<{ thread: { id: string } }>("thread/start", {})) ?? { thread: { id: "" } };
        await somebody?.call("turn/start", { threadId: thread.id, input: [{ type: "text", text: prompt }] });
        return thread.id;
      };
      const statusOf = async (threadId: string) =>
        (await somebody?.call<{ thread: { status: { type: string } } }>("thread/read", { threadId }))?.thread.status.type;
      const asked = (session: string) => askedOf(provider.ledger, session);
      const stopped = async (session: string) => {
        const receipt = await control(stack.schedulerUrl, token, session, "kill");
        assert.deepEqual([receipt.unknown, receipt.agents_acknowledged.length], [[], 1], "its turns have ended");
        assert.notEqual(await statusOf(session), "active");
        return { receipt, requests: asked(session).length };
      };

      play("killed-in-nested-command");
      const bystander = await begin("LONG_ANSWER please");
      const streaming = await begin("LONG_ANSWER please");
      const nested = await begin("PARENT_TASK please");
      await until("both answers stream", () => asked(streaming).length > 0 && asked(bystander).length > 0);
      await until("the innermost command runs", () => runs(COMMAND_MARK), 60_000);
      const [one, two] = [await stopped(streaming), await stopped(nested)];
      assert.equal(one.receipt.upstream_closed, 1);
      assert.equal(runs(COMMAND_MARK), false, "the command that ran is gone");
      await sleep(2_000);
      assert.deepEqual([asked(streaming).length, asked(nested).length], [one.requests, two.requests], "requests after the receipt");
      assert.equal(await statusOf(bystander), "active", "the other session, and the app-server, go on");
      assert.equal(asked(bystander)[0]?.clientClosed, false);
      await control(stack.schedulerUrl, token, bystander, "kill");
      await somebody?.close();
    } finally {
      // npm's wrapper hands it on
      child.kill("SIGTERM");
      await exited;
    }
  });
}
