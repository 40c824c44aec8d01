import fs from "node:fs";

/** The direct children of a process with their command lines, read from /proc: a bare machine has no `ps`. */
export function childProcesses(parent: number): { pid: number; command: string }[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, parentPid] = fs
          .readFileSync(`/proc/${name}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
        if (Number(parentPid) !== parent) return [];
        return [{ pid: Number(name), command: fs.readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ") }];
      } catch {
        return []; // it ended while we looked
      }
    });
}
