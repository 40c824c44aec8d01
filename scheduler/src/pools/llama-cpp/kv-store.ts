/**
 * The two lower tiers of session state: files in memory (tmpfs) and files on disk, each with a bound in bytes. What does not fit moves
 * down, the oldest first, and from the lowest tier out. Every state has a description beside it (`<key>.json`), so that a worker which
 * starts again finds what its predecessor wrote, and a checksum, since llama.cpp may end the process on a damaged file.
 */

import { createReadStream } from "node:fs";
import { copyFile, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import type { ExportedState, KvCounters, KvOptions, KvTier, SessionState } from "./protocol.ts";

type StoreTier = Exclude<KvTier, "live">;

export interface StoredState {
  key: string;
  tier: StoreTier;
  file: string;
  bytes: number;
  checksum: number;
  tokens: number;
  usedAt: number;
}

export interface KvStore {
  readonly counters: KvCounters;
  /** Of the state that came in last; undefined before the first. */
  readonly bytesPerToken: number | undefined;
  /** Bytes that both tiers can take without dropping anything. */
  room(): number;
  list(): SessionState[];
  get(key: string): StoredState | undefined;
  /** `write` fills the file it is given. @returns undefined where it could not be kept; that is counted */
  save(key: string, tokens: number, write: (file: string) => Promise<unknown>): Promise<StoredState | undefined>;
  /** Takes over a file that another worker wrote: it is moved where it can be, else copied. @throws the file system's error */
  adopt(key: string, state: Pick<ExportedState, "tokens" | "bytes" | "checksum" | "path">): Promise<StoredState | undefined>;
  /**
   * Lets `load` read a state whose file is whole, and removes it then: state is in one tier at a time.
   * @returns what was loaded; undefined where there is none, or it is damaged
   */
  take(key: string, load: (state: StoredState) => Promise<void>): Promise<StoredState | undefined>;
  remove(key: string): Promise<void>;
}

export interface KvStoreOptions extends KvOptions {
  identity: string;
  onDemote: (state: StoredState, ms: number) => void;
  now?: () => number;
}

const KEY = /^[0-9a-f]{32}$/;
const description = z.object({ identity: z.string(), tokens: z.int(), bytes: z.int(), checksum: z.int(), usedAt: z.number() });

export const isSessionKey = (text: string): boolean => KEY.test(text);

/** Takes over what a predecessor left in the folders. */
export async function openKvStore(options: KvStoreOptions): Promise<KvStore> {
  const { identity, ram, file, maxIdleMs, onDemote, now = Date.now } = options;
  /** Oldest first. */
  const states = new Map<string, StoredState>();
  const counters: KvCounters = { saved: 0, restored: 0, demoted: 0, dropped: 0, corrupt: 0 };
  const tiers = { ram, file };
  let bytesPerToken: number | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** One change at a time: a state must not be moved down while it is read. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  }

  const held = (tier: StoreTier) => {
    let sum = 0;
    for (const state of states.values()) if (state.tier === tier) sum += state.bytes;
    return sum;
  };
  const placeOf = (tier: StoreTier, key: string) => path.join(tiers[tier]?.folder ?? file.folder, `${key}.state`);
  const tierFor = (bytes: number): StoreTier | undefined => (ram && bytes <= ram.bytes ? "ram" : bytes <= file.bytes ? "file" : undefined);

  async function erase({ key, file: place }: StoredState): Promise<void> {
    states.delete(key);
    await Promise.all([rm(place, { force: true }), rm(descriptionOf(place), { force: true })]);
  }

  async function describe(state: StoredState): Promise<void> {
    const { tokens, bytes, checksum, usedAt } = state;
    await writeFile(descriptionOf(state.file), JSON.stringify({ identity, tokens, bytes, checksum, usedAt }), { mode: 0o600 });
  }

  async function enter(state: StoredState): Promise<StoredState | undefined> {
    await describe(state);
    states.set(state.key, state);
    await makeRoom();
    return states.get(state.key);
  }

  async function makeRoom(): Promise<void> {
    for (const state of [...states.values()]) {
      if (now() - state.usedAt > maxIdleMs) await drop(state);
    }
    for (const state of [...states.values()]) {
      if (!ram || held("ram") <= ram.bytes) break;
      if (state.tier === "ram") await demote(state);
    }
    for (const state of [...states.values()]) {
      if (held("file") <= file.bytes) break;
      if (state.tier === "file") await drop(state);
    }
  }

  async function drop(state: StoredState): Promise<void> {
    await erase(state);
    counters.dropped++;
  }

  async function demote(state: StoredState): Promise<void> {
    const startedAt = performance.now();
    const below: StoredState = { ...state, tier: "file", file: placeOf("file", state.key) };
    try {
      if (state.bytes > file.bytes) throw new Error("larger than the whole tier");
      await copyFile(state.file, below.file);
      await describe(below);
    } catch {
      await rm(below.file, { force: true });
      return drop(state);
    }
    await erase(state);
    states.set(state.key, below);
    counters.demoted++;
    onDemote(below, performance.now() - startedAt);
  }

  for (const tier of ["file", "ram"] as const) await takeOver(tier);

  /** What a predecessor left: kept where it is of this model and whole in size, else removed. */
  async function takeOver(tier: StoreTier): Promise<void> {
    const folder = tiers[tier]?.folder;
    if (folder === undefined) return;
    const found: StoredState[] = [];
    for (const name of await readdir(folder)) {
      const key = name.endsWith(".state") ? name.slice(0, -".state".length) : "";
      const place = path.join(folder, name);
      const known = isSessionKey(key) ? await readDescription(place) : undefined;
      if (known?.identity === identity && (await sizeOf(place)) === known.bytes) found.push({ ...known, key, tier, file: place });
      else if (!name.endsWith(".json")) await rm(place, { force: true, recursive: true });
    }
    for (const state of found.sort((a, b) => a.usedAt - b.usedAt)) {
      // In both tiers: it was on its way down.
      const other = states.get(state.key);
      if (other) await erase(other);
      states.set(state.key, state);
    }
    for (const name of await readdir(folder)) {
      if (name.endsWith(".json") && !states.has(name.slice(0, -".json".length))) await rm(path.join(folder, name), { force: true });
    }
  }

  async function keep(
    key: string,
    tokens: number,
    expectedBytes: number,
    fill: (place: string) => Promise<unknown>,
  ): Promise<StoredState | undefined> {
    const older = states.get(key);
    if (older) await erase(older);
    const tier = tierFor(expectedBytes);
    if (!tier) {
      counters.dropped++;
      return undefined;
    }
    const place = placeOf(tier, key);
    const unfinished = `${place}.tmp`;
    try {
      await fill(unfinished);
      const bytes = await sizeOf(unfinished);
      const checksum = await checksumOf(unfinished);
      await rename(unfinished, place);
      bytesPerToken = bytes / Math.max(1, tokens);
      return await enter({ key, tier, file: place, bytes, checksum, tokens, usedAt: now() });
    } catch (error) {
      await rm(unfinished, { force: true });
      counters.dropped++;
      throw error;
    }
  }

  return {
    counters,
    get bytesPerToken() {
      return bytesPerToken;
    },
    room: () => Math.max(0, (ram?.bytes ?? 0) - held("ram")) + Math.max(0, file.bytes - held("file")),
    list: () => [...states.values()].map(({ key, tier, tokens, bytes }) => ({ key, tier, tokens, bytes })),
    get: (key) => states.get(key),
    save: (key, tokens, write) =>
      inTurn(async () => {
        try {
          const saved = await keep(key, tokens, tokens * (bytesPerToken ?? 0), write);
          if (saved) counters.saved++;
          return saved;
        } catch {
          // A full disk, a folder that is gone: the session is evaluated again, and `dropped` says so.
          return undefined;
        }
      }),
    adopt: (key, { tokens, bytes, checksum, path: source }) =>
      inTurn(async () => {
        const adopted = await keep(key, tokens, bytes, (place) => moveFile(source, place));
        if (adopted && adopted.checksum !== checksum) {
          await erase(adopted);
          counters.corrupt++;
          return undefined;
        }
        return adopted;
      }),
    take: (key, load) =>
      inTurn(async () => {
        const state = states.get(key);
        if (!state) return undefined;
        try {
          const whole = (await sizeOf(state.file)) === state.bytes && (await checksumOf(state.file)) === state.checksum;
          if (!whole) throw new Error("damaged");
          await load(state);
          counters.restored++;
          return state;
        } catch {
          counters.corrupt++;
          return undefined;
        } finally {
          await erase(state);
        }
      }),
    remove: (key) =>
      inTurn(async () => {
        const state = states.get(key);
        if (state) await erase(state);
      }),
  };
}

const descriptionOf = (place: string) => place.replace(/\.state$/, ".json");
const sizeOf = async (place: string): Promise<number> => (await stat(place)).size;

async function readDescription(place: string) {
  try {
    return description.parse(JSON.parse(await readFile(descriptionOf(place), "utf8")));
  } catch {
    return undefined;
  }
}

async function checksumOf(place: string): Promise<number> {
  let checksum = 0;
  for await (const chunk of createReadStream(place, { highWaterMark: 1 << 20 })) checksum = crc32(chunk as Buffer, checksum);
  return checksum;
}

/** Between file systems a rename is refused. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copyFile(from, to);
    await rm(from, { force: true });
  }
}
