import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Recording } from "./recording.ts";

/** Records every line of every `.jsonl` and `.json` file below `folder` that `accept` takes (by its path below `home`). */
export function recordTranscripts(
  recording: Recording,
  home: string,
  folder: string,
  accept: (file: string) => boolean = () => true,
): void {
  const root = join(home, folder);
  if (!existsSync(root)) return;
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.jsonl?$/.test(entry.name))
    .map((entry) => relative(home, join(entry.parentPath, entry.name)))
    .filter(accept)
    .sort();
  for (const file of files) {
    const text = readFileSync(join(home, file), "utf8").trimEnd();
    const lines = file.endsWith(".jsonl") ? text.split("\n") : [text];
    lines.forEach((line, index) => {
      if (line !== "") recording.add({ kind: "transcript", file, line: index + 1, entry: JSON.parse(line) as unknown });
    });
  }
}
