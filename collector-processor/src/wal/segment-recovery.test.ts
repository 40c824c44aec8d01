import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Position } from "./frame.ts";
import { openSegmentLog, type SegmentLog } from "./segment-log.ts";

const SECTOR = 64;
const LIMITS = { maxBytes: 20_000, segmentBytes: 1_000 };

type Write = (this: fs.promises.FileHandle, buffers: Buffer[], at: number) => Promise<{ bytesWritten: number }>;
let dir: string;
let prototype: { writev: Write };
let writev: Write;
beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-wal-recovery-"));
  const handle = await fs.promises.open(dir, "r");
  prototype = Object.getPrototypeOf(handle) as typeof prototype;
  writev = prototype.writev;
  await handle.close();
});
afterEach(() => {
  prototype.writev = writev;
  fs.rmSync(dir, { recursive: true, force: true });
});

/** After so many writes, one reaches the disk in part, sector by sector as `reaches` says, and the process is gone. */
function crashInWrite(reaches: readonly boolean[], after: number): Promise<void> {
  let writes = 0;
  return new Promise((crashed) => {
    prototype.writev = async function (buffers, at) {
      if (writes++ < after) return writev.call(this, buffers, at);
      prototype.writev = writev;
      const bytes = Buffer.concat(buffers);
      for (let sector = 0; sector * SECTOR < bytes.length; sector++) {
        const part = bytes.subarray(sector * SECTOR, (sector + 1) * SECTOR);
        if (reaches[sector % reaches.length]) await this.write(part, 0, part.length, at + sector * SECTOR);
      }
      await this.close();
      crashed();
      return new Promise(() => {});
    };
  });
}

/** Sizes of which sums meet often, so that records of different lives of a file start at the same offsets. */
const size = fc.constantFrom(48, 112, 176, 240);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const), sizes: fc.array(size, { minLength: 1, maxLength: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("release" as const), kept: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("crash" as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 5 }),
      reaches: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      together: fc.boolean(),
    }),
  },
);

it("reads exactly what was acknowledged, wherever a crash cuts a write off, over files that are written again and again", async () => {
  let reused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      for (const name of fs.readdirSync(dir)) fs.rmSync(path.join(dir, name));
      let filler = 0;
      const payloadOf = (bytes: number) => Buffer.alloc(bytes, ++filler % 251);
      /** Acknowledged and not released, in order. */
      let held: { position: Position; payload: Buffer }[] = [];
      let released = 0;
      let { log } = await openSegmentLog({ dir, ...LIMITS });

      const append = (payloads: Buffer[]) =>
        Promise.all(payloads.map(async (payload) => ({ payload, position: await log.append([payload]) })));
      /** `cutOff`: what was under way; a part of it, from its beginning, may be there. */
      async function reopen(cutOff: Buffer[]): Promise<SegmentLog> {
        const { log: opened, recovered } = await openSegmentLog({ dir, ...LIMITS }, { since: released, endAtLeast: released });
        const there = await Promise.all(recovered.records.map(async (position) => ({ position, payload: await opened.read(position) })));
        expect(there.slice(0, held.length)).toEqual(held);
        const more = there.slice(held.length);
        expect(more.map(({ payload }) => payload)).toEqual(cutOff.slice(0, more.length));
        held = there;
        return opened;
      }

      for (const next of steps) {
        if (next.kind === "append") held.push(...(await append(next.sizes.map(payloadOf))));
        else if (next.kind === "release") {
          held = held.slice(Math.max(0, held.length - next.kept));
          released = held[0]?.position.start ?? log.end;
          await log.release(released);
          if (fs.readdirSync(dir).some((name) => name.endsWith(".spare"))) reused++;
        } else if (next.kind === "restart") {
          await log.close();
          log = await reopen([]);
        } else {
          const [first = Buffer.alloc(0), ...others] = next.sizes.map(payloadOf);
          // the first is written alone; what came meanwhile is written together
          const isTogether = next.together && others.length > 0;
          const crashed = crashInWrite(next.reaches, isTogether ? 1 : 0);
          const acknowledged = append([first]);
          append(others);
          if (isTogether) held.push(...(await acknowledged));
          await crashed;
          log = await reopen(isTogether ? others : [first, ...others]);
        }
      }
      await log.close();
    }),
    { numRuns: 150 },
  );
  expect(reused).toBeGreaterThan(100);
});
