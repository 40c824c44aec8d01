import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** Takes a folder for this process. @throws when another process that lives has it. */
export async function lockFolder(dir: string): Promise<{ release(): Promise<void> }> {
  const file = path.join(dir, "lock");
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: "wx", mode: 0o600 });
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 0) throw error;
      const holder = Number(await readFile(file, "utf8"));
      if (lives(holder)) {
        throw new Error(
          `the write-ahead log ${dir} is in use by process ${holder}: stop that collector, or set collector.wal_dir to another folder`,
        );
      }
      await rm(file, { force: true });
    }
  }
}

function lives(pid: number): boolean {
  // a container's processes get the same numbers again
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
