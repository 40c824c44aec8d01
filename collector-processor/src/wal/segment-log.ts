import { constants, type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { HEADER_BYTES, type Position, recordAt, recordHeader } from "./frame.ts";
import { emptySegment, findFiles, type Segment, scan, spareFile, syncDirectory } from "./segment-files.ts";

export interface SegmentLogConfig {
  dir: string;
  /** Bytes of all records; one beyond is refused. */
  maxBytes: number;
  /** A segment that has grown beyond is followed by another. Segments are done with as a whole, and then written anew. */
  segmentBytes: number;
}

export interface SegmentLog {
  /** Bytes of the records of all segments. */
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
  /** Everything before is done with: segments that end there are given up, or kept to be written anew. */
  release(before: number): Promise<void>;
  close(): Promise<void>;
}

/** What was found on disk when the log was opened. */
export interface Recovered {
  /** Whole records, in order, from `since` on. */
  records: Position[];
  /** Bytes of what was to be a record and is none: a write that a crash cut off, or damage. They are left out. */
  tornBytes: number;
}

export class LogFull extends Error {
  constructor(maxBytes: number) {
    super(`the write-ahead log is full: ${maxBytes} bytes`);
    this.name = "LogFull";
  }
}

const LEAST_SEGMENTS = 4;
/** Files whose records are done with are written anew: that takes the disk a third of the time that a file which grows takes it. */
const MAX_SPARES = 2;
/** A record is as long as its request: a file that it made longer than so many segments is not kept. */
const MAX_SPARE_SEGMENTS = 2;
/** Linux writes and syncs in one call, of half the cost of two. On macOS that would not reach the disk; Windows has none. */
const SYNCED = process.platform === "linux" ? constants.O_DSYNC : 0;

interface Append {
  payload: readonly Buffer[];
  payloadBytes: number;
  payloadCrc: number;
  resolve(position: Position): void;
  reject(error: Error): void;
}

/**
 * An append-only log of records in segment files. One process at a time. Tells of the records from `since` on; the next one will not
 * stand before `endAtLeast`.
 */
export async function openSegmentLog(
  config: SegmentLogConfig,
  { since = 0, endAtLeast = 0 } = {},
): Promise<{ log: SegmentLog; recovered: Recovered }> {
  await mkdir(config.dir, { recursive: true, mode: 0o700 });
  const recovered: Recovered = { records: [], tornBytes: 0 };
  const segments: Segment[] = [];
  const found = await findFiles(config.dir);
  const spares = found.spares.slice(0, MAX_SPARES);
  for (const file of found.spares.slice(MAX_SPARES)) await rm(file);
  for (const [index, segment] of found.segments.entries()) {
    const { records, tornBytes } = await scan(segment);
    const after = found.segments[index + 1];
    for (const record of records) if (record.start >= since) recovered.records.push(record);
    // a segment goes on where the one before it ended, unless records of that one are lost
    recovered.tornBytes += after === undefined ? tornBytes : Math.max(0, after.start - segment.end);
    // the next record may need its name
    if (segment.end === segment.start) await rm(segment.file);
    else segments.push(segment);
  }

  // of a log that is full, some segment must be ready to go
  const segmentBytes = Math.min(config.segmentBytes, config.maxBytes / LEAST_SEGMENTS);
  let bytes = segments.reduce((sum, segment) => sum + segment.end - segment.start, 0);
  let next = Math.max(endAtLeast, ...segments.map((segment) => segment.end));
  let handle: FileHandle | undefined;
  let lastWriteFailed = false;
  let waiting: Append[] = [];
  let writing: Promise<void> | undefined;

  /** What follows a crash, or a failed write, starts another file: nothing is ever written behind a torn tail. */
  async function currentSegment(): Promise<Segment> {
    const last = segments.at(-1);
    if (handle !== undefined && last !== undefined && last.end - last.start < segmentBytes) return last;
    await handle?.close();
    handle = undefined;
    const segment = emptySegment(config.dir, next);
    const opened = await openFor(segment);
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

  async function openFor({ file }: Segment): Promise<FileHandle> {
    const spare = spares.pop();
    if (spare === undefined) return open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | SYNCED, 0o600);
    await rename(spare, file);
    return open(file, constants.O_WRONLY | SYNCED);
  }

  async function write(group: Append[]): Promise<void> {
    try {
      const segment = await currentSegment();
      let end = next;
      const buffers: Buffer[] = [];
      for (const { payload, payloadBytes, payloadCrc } of group) {
        buffers.push(recordHeader(end, payloadBytes, payloadCrc), ...payload);
        end += HEADER_BYTES + payloadBytes;
      }
      const file = handle as FileHandle;
      const { bytesWritten } = await file.writev(buffers, segment.end - segment.start);
      if (bytesWritten !== end - next) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      if (SYNCED === 0) await file.datasync();
      lastWriteFailed = false;
      segment.end = end;
      for (const { payloadBytes, resolve } of group) {
        const start = next;
        next += HEADER_BYTES + payloadBytes;
        resolve({ start, end: next });
      }
    } catch (error) {
      lastWriteFailed = true;
      await abandonTail();
      for (const item of group) {
        bytes -= HEADER_BYTES + item.payloadBytes;
        item.reject(error as Error);
      }
    }
  }

  /** After a failed write nobody knows what of it is on disk: it is cut off, and the next record starts another file. */
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
    // the disk may be full
    for (const file of spares.splice(0)) await rm(file, { force: true }).catch(() => {});
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await write(group);
    }
    writing = undefined;
  }

  /**
   * On a disk that is full, what is done with gives its space back; and all files together stay within the bound. What an older build wrote
   * says no start, and would be taken for new.
   */
  function isKept(segment: Segment): boolean {
    const spareBytes = MAX_SPARE_SEGMENTS * segmentBytes;
    const fits = segment.end - segment.start <= spareBytes && bytes + (spares.length + 1) * spareBytes <= config.maxBytes;
    return !lastWriteFailed && segment.recordAt === recordAt && spares.length < MAX_SPARES && fits;
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
      const payloadCrc = payload.reduce((sum, part) => crc32(part, sum), 0);
      return new Promise((resolve, reject) => {
        waiting.push({ payload, payloadBytes, payloadCrc, resolve, reject });
        writing ??= writeAll();
      });
    },
    async read({ start, end }) {
      const segment = segments.find((candidate) => candidate.start <= start && end <= candidate.end);
      if (segment === undefined) throw new Error(`no segment of the write-ahead log holds ${start} to ${end}`);
      const file = await open(segment.file, "r");
      try {
        const bytes = Buffer.allocUnsafe(end - start);
        await file.read(bytes, 0, bytes.length, start - segment.start);
        const record = segment.recordAt(bytes, 0, start);
        if (!record?.isWhole) throw new Error(`the record at ${start} of ${segment.file} is damaged`);
        return bytes.subarray(record.payloadAt);
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
        if (isKept(segment)) {
          const file = spareFile(config.dir, segment);
          await rename(segment.file, file);
          spares.push(file);
        } else await rm(segment.file, { force: true });
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
