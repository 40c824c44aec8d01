import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "../support/free-port.ts";

export interface Endpoints {
  schedulerUrl: string;
  otlpEndpoint: string;
}

/** An agent on a machine of its own. */
export interface Machine {
  /** One turn; its seconds. Rejects where it did not end as it does by itself. */
  turn(): Promise<number>;
  remove(): void;
}

const PAIRS = 6;
/** A turn of a few seconds may take so much longer where what watches it never answers. */
const PATIENCE_SECONDS = 15;

/**
 * Being watched costs an agent nothing: its turns with registration (observe only) and without, in pairs; and where nobody listens at the
 * addresses that were registered, where something answers garbage there, and where it never answers.
 *
 * @param make a machine, registered for these endpoints, or not at all
 */
export async function checkUnharmed(
  check: (name: string, run: () => Promise<void>) => Promise<void>,
  notes: string[],
  real: Endpoints,
  make: (endpoints?: Endpoints) => Promise<Machine>,
): Promise<void> {
  await check("turns no slower when watched than alone", async () => {
    const [watched, alone] = [await make(real), await make()];
    try {
      const [these, those]: [number[], number[]] = [[], []];
      for (const machine of [watched, alone]) await machine.turn();
      for (let pair = 0; pair < PAIRS; pair++) {
        // each goes first as often: what else the machine does changes with time
        for (const isWatched of pair % 2 === 0 ? [true, false] : [false, true]) {
          (isWatched ? these : those).push(await (isWatched ? watched : alone).turn());
        }
      }
      const difference = median(these) - median(those);
      notes.push(
        `Turns watched against alone: median ${median(these).toFixed(2)} s against ${median(those).toFixed(2)} s, spread ${spread(those).toFixed(2)} s, ${PAIRS} pairs.`,
      );
      assert.ok(difference <= Math.max(0.3, spread(those)), `slower by ${difference} s`);
    } finally {
      watched.remove();
      alone.remove();
    }
  });

  for (const [trouble, answer] of Object.entries(TROUBLES)) {
    await check(`unharmed where ${trouble}`, async () => {
      const { url, close } = await startTrouble(answer);
      const machine = await make({ schedulerUrl: url, otlpEndpoint: url });
      try {
        const seconds = await machine.turn();
        notes.push(`A turn where ${trouble}: ${seconds.toFixed(2)} s.`);
        assert.ok(seconds < PATIENCE_SECONDS, `it took ${seconds} s`);
      } finally {
        machine.remove();
        await close();
      }
    });
  }
}

const TROUBLES: Record<string, ((response: http.ServerResponse) => void) | undefined> = {
  "nobody listens": undefined,
  "garbage is answered": (response) => response.writeHead(200, { "content-type": "application/json" }).end('{"continue": "\u0000<garbage'),
  "every answer is a 500": (response) => response.writeHead(500).end("no"),
  "nothing is ever answered": () => {},
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

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
/** Half of the turns lie in so much. */
const spread = (values: number[]) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.ceil(sorted.length * 0.75)] ?? 0) - (sorted[Math.floor(sorted.length * 0.25)] ?? 0);
};
