import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

export interface LogFileOptions {
  /** a file is closed and numbered when it would pass this many bytes; default 5 MiB */
  maxBytes?: number;
  /** numbered files kept beside the current one; default 3 */
  keep?: number;
}

export interface LogFile {
  readonly path: string;
  /** Appends. Never throws: a full disk must not take the parts down; what could not be written is counted. */
  write(chunk: string): void;
  /** chunks that could not be written */
  readonly lost: number;
  close(): void;
}

/** A log file bounded in size: `x.log`, then `x.log.1` … `x.log.<keep>`, oldest dropped. */
export function openLogFile(path: string, { maxBytes = 5 * 1024 * 1024, keep = 3 }: LogFileOptions = {}): LogFile {
  let fd = openSync(path, "a", 0o600);
  let size = fstatSync(fd).size;
  let lost = 0;
  let closed = false;

  const rotate = () => {
    closeSync(fd);
    rmSync(`${path}.${keep}`, { force: true });
    for (let n = keep - 1; n >= 1; n--) moveIfThere(`${path}.${n}`, `${path}.${n + 1}`);
    if (keep > 0) moveIfThere(path, `${path}.1`);
    fd = openSync(path, keep > 0 ? "a" : "w", 0o600);
    size = 0;
  };

  return {
    path,
    get lost() {
      return lost;
    },
    write(chunk) {
      if (closed) {
        lost++;
        return;
      }
      try {
        const bytes = Buffer.byteLength(chunk);
        if (size > 0 && size + bytes > maxBytes) rotate();
        writeSync(fd, chunk);
        size += bytes;
      } catch {
        lost++;
      }
    },
    close() {
      if (!closed) closeSync(fd);
      closed = true;
    },
  };
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // not made yet
  }
}
