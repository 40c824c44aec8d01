import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Position } from "./frame.ts";
import { LogFull, openSegmentLog, type SegmentLog } from "./segment-log.ts";

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-wal-"));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const open = (limits = {}, since = 0) => openSegmentLog({ dir, maxBytes: 100_000, segmentBytes: 1_000, ...limits }, { since });
const payload = (number: number, bytes = 100) => Buffer.alloc(bytes, number);
async function appended(log: SegmentLog, count: number): Promise<Position[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => log.append([payload(index)])));
}
const segments = () => fs.readdirSync(dir).sort();
const firstBytes = (log: SegmentLog, positions: Position[]) => Promise.all(positions.map(async (one) => (await log.read(one))[0]));

describe("the segment log", () => {
  it("gives back what was appended, also when it is opened again, in segments", async () => {
    const { log } = await open();
    const positions: Position[] = [];
    for (let index = 0; index < 30; index++) positions.push(await log.append([payload(index)]));
    expect(segments().length).toBe(4);
    expect(await firstBytes(log, positions)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    await log.close();

    const again = await open();
    expect(again.recovered).toEqual({ records: positions, tornBytes: 0 });
    expect(await firstBytes(again.log, positions)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect(again.log.bytes).toBe(log.bytes);
    const next = await again.log.append([payload(99)]);
    expect(next.start).toBe(positions.at(-1)?.end);
    await again.log.close();
    expect((await open({}, positions[20]?.start)).recovered.records).toEqual([...positions.slice(20), next]);
  });

  it.each([1, 7, 8, 50, 100, 101, 115])(
    "leaves out a last record of which %i bytes are missing, and goes on behind it",
    async (missing) => {
      const { log } = await open();
      const positions = await appended(log, 3);
      await log.close();
      const file = path.join(dir, segments()[0] as string);
      fs.truncateSync(file, fs.statSync(file).size - missing);
      const { log: again, recovered } = await open();
      // with less than its header nothing says that it was to be one
      expect(recovered).toEqual({ records: positions.slice(0, 2), tornBytes: missing > 100 ? 0 : 116 - missing });
      const next = await again.append([payload(7)]);
      await again.close();
      const third = await open();
      expect(third.recovered.records).toEqual([...positions.slice(0, 2), next]);
      expect((await third.log.read(next))[0]).toBe(7);
    },
  );

  it("leaves out a record whose bytes are not what was written", async () => {
    const { log } = await open();
    const positions = await appended(log, 3);
    await log.close();
    const file = path.join(dir, segments()[0] as string);
    const bytes = fs.readFileSync(file);
    bytes[116 + 50] = 77;
    fs.writeFileSync(file, bytes);
    expect((await open()).recovered).toEqual({ records: positions.slice(0, 1), tornBytes: 116 });
  });

  it("says how much is lost where a segment does not reach the next, whatever of it is damaged", async () => {
    const { log } = await open();
    const positions: Position[] = [];
    for (let index = 0; index < 12; index++) positions.push(await log.append([payload(index)]));
    await log.close();
    const file = path.join(dir, segments()[0] as string);
    const bytes = fs.readFileSync(file);
    bytes[4 * 116] = 77; // the fifth says another start
    fs.writeFileSync(file, bytes);
    const { recovered } = await open();
    expect(recovered).toEqual({ records: [...positions.slice(0, 4), ...positions.slice(9)], tornBytes: 5 * 116 });
  });

  it("begins anew where nothing whole is left", async () => {
    fs.writeFileSync(path.join(dir, "0000000000000000.wal"), "half a hea");
    const { log, recovered } = await open();
    expect(recovered).toEqual({ records: [], tornBytes: 0 });
    await log.append([payload(1)]);
    await log.close();
    expect((await open()).recovered.records).toHaveLength(1);
  });

  it("reads what a build of before wrote, and does not write that file again", async () => {
    const older = (content: Buffer) => {
      const header = Buffer.alloc(8);
      header.writeUInt32BE(content.length, 0);
      header.writeUInt32BE(crc32(content), 4);
      return Buffer.concat([header, content]);
    };
    fs.writeFileSync(path.join(dir, "0000000000000500.wal"), Buffer.concat([older(payload(1)), older(payload(2)), Buffer.from("cut off")]));
    const { log, recovered } = await open();
    expect(recovered.records).toEqual([
      { start: 500, end: 608 },
      { start: 608, end: 716 },
    ]);
    expect(await firstBytes(log, recovered.records)).toEqual([1, 2]);
    const next = await log.append([payload(3)]);
    expect(next.start).toBe(716);
    await log.release(next.start);
    expect(segments()).toEqual(["0000000000000716.wal"]);
    await log.close();
  });

  it("never goes back behind what was read, also where nothing is left", async () => {
    const { log } = await openSegmentLog({ dir, maxBytes: 1_000, segmentBytes: 100 }, { endAtLeast: 5_000 });
    expect((await log.append([payload(1)])).start).toBe(5_000);
    await log.close();
  });

  it("refuses beyond its bound, and takes again when segments were released", async () => {
    const { log } = await open({ maxBytes: 3_000 });
    const positions: Position[] = [];
    await expect(async () => {
      for (;;) positions.push(await log.append([payload(1)]));
    }).rejects.toThrow(LogFull);
    expect(positions).toHaveLength(25);
    expect(log.bytes).toBeLessThanOrEqual(3_000);
    await log.release(positions[14]?.end as number);
    await log.append([payload(2)]);
    await log.close();
    const left = (await open({}, positions[15]?.start)).recovered.records;
    expect(left).toHaveLength(25 - 15 + 1);
  });

  it("writes files anew whose records are done with, within its bound, and keeps no more than two of them", async () => {
    const { log } = await open({ maxBytes: 8_000 });
    const files = new Set<number>();
    let onDisk = 0;
    for (let index = 0; index < 200; index++) {
      const { end } = await log.append([payload(index)]);
      await log.release(end - 300);
      const states = segments().map((name) => fs.statSync(path.join(dir, name)));
      for (const state of states) files.add(state.ino);
      onDisk = Math.max(
        onDisk,
        states.reduce((sum, state) => sum + state.size, 0),
      );
    }
    expect(files.size).toBe(2);
    expect(onDisk).toBeLessThanOrEqual(8_000);
    for (let index = 0; index < 50; index++) await log.append([payload(index)]);
    await log.release(log.end);
    expect(segments().filter((name) => name.endsWith(".spare"))).toHaveLength(2);
    await log.close();
  });

  it("survives a disk that is full: refuses, keeps what it had, and goes on when there is room", async () => {
    const { log } = await open();
    const before = await appended(log, 2);
    const { prototype } = (await fileHandle()) as { prototype: { writev: (buffers: Buffer[], at: number) => Promise<unknown> } };
    const writev = prototype.writev;
    // half of it reaches the disk
    prototype.writev = async function (this: { write: (buffer: Buffer, ...at: number[]) => Promise<unknown> }, buffers, at) {
      await this.write(Buffer.concat(buffers), 0, 60, at);
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    } as typeof writev;
    try {
      await expect(log.append([payload(3)])).rejects.toThrow("ENOSPC");
    } finally {
      prototype.writev = writev;
    }
    const after = await log.append([payload(4)]);
    await log.close();
    const { log: again, recovered } = await open();
    expect(recovered).toEqual({ records: [...before, after], tornBytes: 0 });
    expect((await again.read(after))[0]).toBe(4);
    expect(again.bytes).toBe(log.bytes);
  });
});

async function fileHandle(): Promise<unknown> {
  const handle = await fs.promises.open(path.join(dir, "probe"), "w");
  await handle.close();
  return handle.constructor;
}
