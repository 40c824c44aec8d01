import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Position } from "./frame.ts";

/** How far one destination is: everything before its cursor is done with. */
class Cursor {
  /** starts of what is under way, oldest first: records begin in the order of the log */
  readonly #underWay = new Set<number>();

  /** `end`: of the log. Not every record is for everyone. */
  at(end: number): number {
    for (const start of this.#underWay) return start;
    return end;
  }

  begin({ start }: Position): void {
    this.#underWay.add(start);
  }

  done({ start }: Position): void {
    this.#underWay.delete(start);
  }
}

const FILE = "cursors.json";

/**
 * The cursors of all destinations, kept in one file. It is written after the fact, and not for each record: after a crash some
 * records are delivered again, which the store takes once, and a fan-out destination may see twice.
 */
export class Cursors {
  readonly #dir: string;
  readonly #cursors: Map<string, Cursor>;

  constructor(dir: string, names: readonly string[]) {
    this.#dir = dir;
    this.#cursors = new Map(names.map((name) => [name, new Cursor()]));
  }

  static async saved(dir: string): Promise<Map<string, number>> {
    try {
      const parsed: unknown = JSON.parse(await readFile(path.join(dir, FILE), "utf8"));
      return new Map(Object.entries(parsed as Record<string, number>).filter(([, at]) => Number.isSafeInteger(at)));
    } catch {
      return new Map(); // none yet, or cut off: everything that is there is delivered again
    }
  }

  get(name: string): Cursor | undefined {
    return this.#cursors.get(name);
  }

  /** Everything before is done with, by all. */
  least(end: number): number {
    return Math.min(...[...this.#cursors.values()].map((cursor) => cursor.at(end)));
  }

  async save(end: number): Promise<void> {
    const file = path.join(this.#dir, FILE);
    const positions = Object.fromEntries([...this.#cursors].map(([name, cursor]) => [name, cursor.at(end)]));
    await writeFile(`${file}.new`, JSON.stringify(positions), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}
