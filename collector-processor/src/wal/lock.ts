import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** Takes a folder for this process. @throws when another process that lives has it. */
export async function lockFolder(dir: string): Promise<{ release(): Promise<void> }> {
  const file = path.join(dir, "lock");
  const mine = [process.pid, await startedAt(process.pid)].join(" ");
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, mine, { flag: "wx", mode: 0o600 });
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 0) throw error;
      const [holder = "", started = ""] = (await readFile(file, "utf8")).split(" ");
      if (await lives(Number(holder), started)) {
        throw new Error(
          `the write-ahead log ${dir} is in use by process ${holder}: stop that collector, or set collector.wal_dir to another folder`,
        );
      }
      await rm(file, { force: true });
    }
  }
}

/** `started`: as startedAt says it; empty where it was not known. */
async function lives(pid: number, started: string): Promise<boolean> {
  // a container's processes get the same numbers again
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = await startedAt(pid);
  return now !== ENDED && (started === "" || now === started);
}

const ENDED = "ended";

/**
 * When a process was started, in kernel ticks since boot: with its number it names one process, for numbers come again. ENDED: it has, and
 * its parent has not taken note. Empty where there is no /proc.
 */
async function startedAt(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // the name, in parentheses, may hold spaces
  const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "Z" ? ENDED : (fields[18] ?? "");
}
