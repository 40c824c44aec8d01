import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";
import { inMilliseconds, median, pairedDifference } from "./paired.ts";

export interface Endpoints {
  schedulerUrl: string;
  otlpEndpoint: string;
}

/** Seconds since the agent's command was started. */
export interface Turn {
  /** Until it said its answer. */
  answered: number;
  /** Until its process was gone. */
  exited: number;
}

/** An agent on a machine of its own. */
export interface Machine {
  /** Rejects where it did not end as it does by itself. */
  turn(): Promise<Turn>;
  remove(): void;
}

/** Which goes first, second and third: what else the machine does changes with time, and each comes after each other as often. */
const ORDERS = [
  [0, 1, 2],
  [2, 1, 0],
  [1, 2, 0],
  [0, 2, 1],
  [2, 0, 1],
  [1, 0, 2],
];
const PAIRS = 3 * ORDERS.length;
/** What the collector still does with a turn's spans must not fall into the next turn. */
const PAUSE_MS = 300;
/** What a person does not notice. */
const NOTICED_SECONDS = 0.1;
const MAX_FLUSH_SECONDS = 0.3;

/**
 * Being watched costs an agent nothing: its turns with registration (observe only) and without, in pairs; and where nobody listens at the
 * addresses that were registered, where something answers garbage there, and where it never answers.
 *
 * @param patienceSeconds what one turn may wait for what never answers: the time limits that registration wrote, added up. Where the
 *   machine is so busy that a turn alone takes a second, one more that is watched may take another.
 * @param make a machine, registered for these endpoints, or not at all
 */
export async function checkUnharmed(
  check: (name: string, run: () => Promise<void>) => Promise<void>,
  notes: string[],
  real: Endpoints,
  patienceSeconds: number,
  make: (endpoints?: Endpoints) => Promise<Machine>,
): Promise<void> {
  await check("turns no slower when watched than alone", async () => {
    // two that are alone: how much turns differ that differ in nothing
    const machines = [await make(real), await make(), await make()] as const;
    try {
      const turns: Turn[][] = machines.map(() => []);
      for (const machine of machines) await machine.turn();
      for (let pair = 0; pair < PAIRS; pair++) {
        for (const index of ORDERS[pair % ORDERS.length] ?? []) {
          turns[index]?.push(await (machines[index] as Machine).turn());
          await sleep(PAUSE_MS);
        }
      }
      const compared = (until: keyof Turn) => {
        const [watched = [], alone = [], control = []] = turns.map((all) => all.map((turn) => turn[until]));
        return { alone: median(alone), longer: pairedDifference(watched, alone), control: pairedDifference(control, alone) };
      };
      const [answer, exit] = [compared("answered"), compared("exited")];
      const said = ({ alone, longer, control }: typeof answer) =>
        `${alone.toFixed(2)} s alone, watched ${inMilliseconds(longer)}, alone again ${inMilliseconds(control)}`;
      notes.push(
        `Turns watched against alone, ${PAIRS} pairs, medians of their differences and where these lie with 95 %. To the answer: ${said(answer)}.`,
        `To the end of the process, which sends what is left: ${said(exit)}.`,
      );
      assert.ok(answer.longer.low <= Math.max(NOTICED_SECONDS, answer.control.high), `answers later by ${inMilliseconds(answer.longer)}`);
      assert.ok(exit.longer.low <= MAX_FLUSH_SECONDS, `ends later by ${inMilliseconds(exit.longer)}`);
    } finally {
      for (const machine of machines) machine.remove();
    }
  });

  for (const [trouble, answer] of Object.entries(TROUBLES)) {
    await check(`unharmed where ${trouble}`, async () => {
      const { url, close } = await startTrouble(answer);
      const [machine, unwatched] = [await make({ schedulerUrl: url, otlpEndpoint: url }), await make()];
      try {
        const before = await unwatched.turn();
        const { answered, exited } = await machine.turn();
        const alone = Math.max(before.exited, (await unwatched.turn()).exited);
        const waited = answer === HANG ? patienceSeconds : 0;
        notes.push(
          `A turn where ${trouble}: answered after ${answered.toFixed(2)} s, ended after ${exited.toFixed(2)} s; alone it ended after ${alone.toFixed(2)} s.`,
        );
        assert.ok(exited < waited + 2 * alone + MAX_FLUSH_SECONDS, `it took ${exited} s, alone ${alone} s, and may wait for ${waited} s`);
      } finally {
        machine.remove();
        unwatched.remove();
        await close();
      }
    });
  }
}

const HANG = () => {};
const TROUBLES: Record<string, ((response: http.ServerResponse) => void) | undefined> = {
  "nobody listens": undefined,
  "garbage is answered": (response) => response.writeHead(200, { "content-type": "application/json" }).end('{"continue": "\u0000<garbage'),
  "every answer is a 500": (response) => response.writeHead(500).end("no"),
  "nothing is ever answered": HANG,
};

async function startTrouble(answer: ((response: http.ServerResponse) => void) | undefined) {
  if (answer === undefined) return { url: `http://127.0.0.1:${await freePort()}`, close: async () => {} };
  const server = http.createServer((request, response) => {
    request.resume();
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
