import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export interface SmallDisk {
  dir: string;
  remove(): void;
}

/**
 * A folder with room for so many bytes: a file system of its own where we may mount one (Linux, as root), else a folder whose files
 * cannot be written beyond, ENOSPC injected at the one call that the write-ahead log writes records with.
 */
export async function smallDisk(bytes: number): Promise<SmallDisk> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "signalbox-small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", dir], { stdio: "ignore" });
  } catch {
    return injected(dir, bytes);
  }
  return {
    dir,
    remove() {
      execFileSync("umount", [dir]);
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface Writes {
  writev(buffers: Buffer[], position: number): Promise<{ bytesWritten: number }>;
}

async function injected(dir: string, bytes: number): Promise<SmallDisk> {
  const probe = await fs.promises.open(path.join(dir, "probe"), "w");
  const prototype = Object.getPrototypeOf(probe) as Writes;
  await probe.close();
  fs.rmSync(path.join(dir, "probe"));
  const { writev } = prototype;
  const used = () =>
    fs.readdirSync(dir, { recursive: true }).reduce((sum, name) => sum + fs.statSync(path.join(dir, String(name))).size, 0);
  prototype.writev = function (this: Writes, buffers, position) {
    const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    if (used() + length > bytes)
      return Promise.reject(Object.assign(new Error("ENOSPC: no space left on device, writev"), { code: "ENOSPC" }));
    return writev.call(this, buffers, position);
  };
  return {
    dir,
    remove() {
      prototype.writev = writev;
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}
