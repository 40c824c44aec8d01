/** Collects what a translation leaves out. A path is listed once, with no index: `messages[].cache_control`. */
export class Dropped {
  readonly #paths = new Set<string>();

  add(path: string): void {
    this.#paths.add(path.replace(/\[\d+\]/g, "[]"));
  }

  /** Lists what of an object was not read. */
  addRest(object: { keys(): string[]; get(key: string): { path: string } }, read: ReadonlySet<string>): void {
    for (const key of object.keys()) if (!read.has(key)) this.add(object.get(key).path);
  }

  list(): string[] {
    return [...this.#paths];
  }
}
