import { type FileHandle, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";

export interface SegmentLogConfig {
  dir: string;
  /** Bytes on disk, of all segments; a record beyond is refused. */
  maxBytes: number;
  /** A segment that has grown beyond is followed by a new one. Whole segments are removed. */
  segmentBytes: number;
}

/** Where a record stands: a count of bytes since the log began, which grows for ever. */
export interface Position {
  start: number;
  end: number;
}

export interface SegmentLog {
  /** Bytes of all segments on disk. */
  readonly bytes: number;
  /** Where the next record will start. */
  readonly end: number;
  /**
   * Resolves when the record, whose payload is these buffers one after the other, has reached the disk. Records that are appended while others are written share one fsync.
   * @throws LogFull, or the system's error (ENOSPC); then the record is not in the log.
   */
  append(payload: readonly Buffer[]): Promise<Position>;
  /** The payload of a record. @throws when it is not what was appended. */
  read(position: Position): Promise<Buffer>;
  /** Everything before is done with: segments that end there are removed. */
  release(before: number): Promise<void>;
  close(): Promise<void>;
}

/** What was found on disk when the log was opened. */
export interface Recovered {
  /** Whole records, in order, from `since` on. */
  records: Position[];
  /** Bytes after the last whole record of a segment: a write that a crash cut off, or damage. They are left out. */
  tornBytes: number;
}

export class LogFull extends Error {
  constructor(maxBytes: number) {
    super(`the write-ahead log is full: ${maxBytes} bytes`);
    this.name = "LogFull";
  }
}

/** A record is its length, its CRC-32, and the payload. */
const HEADER_BYTES = 8;
const LEAST_SEGMENTS = 4;
const NAME = /^(\d{16})\.wal$/;
const nameOf = (start: number) => `${String(start).padStart(16, "0")}.wal`;

interface Segment {
  start: number;
  end: number;
  file: string;
}

interface Append {
  record: Buffer[];
  bytes: number;
  resolve(position: Position): void;
  reject(error: Error): void;
}

/**
 * An append-only log of records in segment files, named by the position that they start at. One process at a time. Tells of the records
 * from `since` on; the next one will not stand before `endAtLeast`.
 */
export async function openSegmentLog(
  config: SegmentLogConfig,
  { since = 0, endAtLeast = 0 } = {},
): Promise<{ log: SegmentLog; recovered: Recovered }> {
  await mkdir(config.dir, { recursive: true, mode: 0o700 });
  const recovered: Recovered = { records: [], tornBytes: 0 };
  const segments: Segment[] = [];
  for (const segment of await findSegments(config.dir)) {
    await scan(segment, since, recovered);
    // the next record may need its name
    if (segment.end === segment.start) await rm(segment.file);
    else segments.push(segment);
  }

  // of a log that is full, some segment must be ready to go
  const segmentBytes = Math.min(config.segmentBytes, config.maxBytes / LEAST_SEGMENTS);
  let bytes = segments.reduce((sum, segment) => sum + segment.end - segment.start, 0);
  let next = Math.max(endAtLeast, ...segments.map((segment) => segment.end));
  let handle: FileHandle | undefined;
  let waiting: Append[] = [];
  let writing: Promise<void> | undefined;

  /** What follows a crash, or a failed write, starts a new file: nothing is ever written behind a torn tail. */
  async function currentSegment(): Promise<Segment> {
    const last = segments.at(-1);
    if (handle !== undefined && last !== undefined && last.end - last.start < segmentBytes) return last;
    await handle?.close();
    handle = undefined;
    const segment = { start: next, end: next, file: path.join(config.dir, nameOf(next)) };
    const opened = await open(segment.file, "w", 0o600);
    try {
      await syncDirectory(config.dir);
    } catch (error) {
      await opened.close();
      throw error;
    }
    handle = opened;
    segments.push(segment);
    return segment;
  }

  async function write(group: Append[]): Promise<void> {
    try {
      const segment = await currentSegment();
      const buffers = group.flatMap((item) => item.record);
      const length = group.reduce((sum, item) => sum + item.bytes, 0);
      const file = handle as FileHandle;
      const { bytesWritten } = await file.writev(buffers, segment.end - segment.start);
      if (bytesWritten !== length) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      await file.datasync();
      for (const item of group) {
        const start = next;
        next += item.bytes;
        segment.end = next;
        item.resolve({ start, end: next });
      }
    } catch (error) {
      await abandonTail();
      for (const item of group) {
        bytes -= item.bytes;
        item.reject(error as Error);
      }
    }
  }

  /** After a failed write nobody knows what of it is on disk: it is cut off, and the next record starts a new file. */
  async function abandonTail(): Promise<void> {
    const failed = handle;
    const segment = segments.at(-1);
    handle = undefined;
    if (failed === undefined || segment === undefined) return;
    await failed.truncate(segment.end - segment.start).catch(() => {});
    await failed.close().catch(() => {});
    if (segment.end === segment.start) {
      segments.pop();
      await rm(segment.file, { force: true }).catch(() => {});
    }
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await write(group);
    }
    writing = undefined;
  }

  const log: SegmentLog = {
    get bytes() {
      return bytes;
    },
    get end() {
      return next;
    },
    append(payload) {
      const payloadBytes = payload.reduce((sum, part) => sum + part.length, 0);
      const length = HEADER_BYTES + payloadBytes;
      if (bytes + length > config.maxBytes) return Promise.reject(new LogFull(config.maxBytes));
      bytes += length;
      const header = Buffer.allocUnsafe(HEADER_BYTES);
      header.writeUInt32BE(payloadBytes, 0);
      header.writeUInt32BE(
        payload.reduce((sum, part) => crc32(part, sum), 0),
        4,
      );
      return new Promise((resolve, reject) => {
        waiting.push({ record: [header, ...payload], bytes: length, resolve, reject });
        writing ??= writeAll();
      });
    },
    async read({ start, end }) {
      const segment = segments.find((candidate) => candidate.start <= start && end <= candidate.end);
      if (segment === undefined) throw new Error(`no segment of the write-ahead log holds ${start} to ${end}`);
      const file = await open(segment.file, "r");
      try {
        const record = Buffer.allocUnsafe(end - start);
        await file.read(record, 0, record.length, start - segment.start);
        const payload = record.subarray(HEADER_BYTES);
        if (record.readUInt32BE(4) !== crc32(payload)) throw new Error(`the record at ${start} of ${segment.file} is damaged`);
        return payload;
      } finally {
        await file.close();
      }
    },
    async release(before) {
      for (;;) {
        const segment = segments[0];
        // the last one is being written, unless a full disk ended it: then its space is what the next one needs
        if (segment === undefined || segment.end > before || (segments.length === 1 && handle !== undefined)) return;
        segments.shift();
        bytes -= segment.end - segment.start;
        await rm(segment.file, { force: true });
      }
    },
    async close() {
      await writing;
      await handle?.close();
      handle = undefined;
    },
  };
  return { log, recovered };
}

async function findSegments(dir: string): Promise<Segment[]> {
  const starts = (await readdir(dir)).flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
  return starts.sort((a, b) => a - b).map((start) => ({ start, end: start, file: path.join(dir, nameOf(start)) }));
}

/** Finds a segment's whole records, and its end with them. One segment at a time is in memory: a backlog may exceed it. */
async function scan(segment: Segment, since: number, into: Recovered): Promise<void> {
  // at once, for tens of thousands of small reads take a busy machine minutes
  const bytes = await readFile(segment.file);
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length || bytes.readUInt32BE(at + 4) !== crc32(bytes.subarray(at + HEADER_BYTES, end))) break;
    if (segment.start + at >= since) into.records.push({ start: segment.start + at, end: segment.start + end });
    at = end;
  }
  segment.end = segment.start + at;
  into.tornBytes += bytes.length - at;
}

/** A new file is only there after a crash when its folder was synced. Windows cannot, and need not. */
async function syncDirectory(dir: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
