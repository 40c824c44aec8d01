/**
 * The sequences of one llama.cpp context, and whose state each holds. A session that comes again finds its state in its sequence, or has
 * it loaded from a lower tier; a sequence that is wanted for another session has its state written out first.
 */

import type { LlamaContextSequence, Token } from "node-llama-cpp";
import type { KvStore, StoredState } from "./kv-store.ts";
import type { KvTier, SessionState, TierMove } from "./protocol.ts";

/** State of fewer tokens is evaluated faster than it is moved, and a shared start of fewer is chance. */
const MIN_TOKENS = 64;
/** Between a free sequence that nobody owns and one that shares more of the prompt: what makes up for writing out its owner's state. */
const WORTH_TAKING_OVER_TOKENS = 128;

export interface Lease {
  readonly sequence: LlamaContextSequence;
  /** Gives the sequence back; its state now belongs to the session that it was leased for. */
  release(): void;
}

export interface Sequences {
  /**
   * Waits for a free sequence; it holds the longest known start of `tokens`, which may be nothing.
   * @param key the session; undefined for calls of no session, whose state is not kept
   * @throws the signal's reason
   */
  lease(tokens: Token[], key: string | undefined, signal: AbortSignal, traceparent?: string): Promise<Lease>;
  list(): SessionState[];
  /** Writes a session's live state out. @returns where it was; undefined where this worker has none; "busy" while a call of it runs */
  writeOut(key: string): Promise<KvTier | "busy" | undefined>;
  /** Forgets a session's state in every tier; that of a running call is forgotten at its end. */
  forget(key: string): Promise<void>;
}

interface Slot {
  sequence: LlamaContextSequence;
  owner: string | undefined;
  busy: boolean;
  usedAt: number;
}

export function createSequences(
  all: readonly LlamaContextSequence[],
  store: KvStore,
  onMove: (move: Omit<TierMove, "id">) => void,
): Sequences {
  const slots: Slot[] = all.map((sequence) => ({ sequence, owner: undefined, busy: false, usedAt: 0 }));
  const waiting = new Set<() => void>();
  /** Sessions that are to leave nothing behind when their running call ends. */
  const forgotten = new Set<string>();
  let clock = 0;

  function shared({ sequence }: Slot, tokens: Token[]): number {
    const { firstDifferentIndex } = sequence.compareContextTokens(tokens);
    return firstDifferentIndex < MIN_TOKENS ? 0 : firstDifferentIndex;
  }

  function choose(tokens: Token[], key: string | undefined): Slot | undefined {
    const free = slots.filter((slot) => !slot.busy);
    const own = free.find((slot) => key !== undefined && slot.owner === key);
    if (own) return own;
    let best: Slot | undefined;
    let highest = Number.NEGATIVE_INFINITY;
    for (const slot of free) {
      const score = shared(slot, tokens) - (isWorthKeeping(slot) ? WORTH_TAKING_OVER_TOKENS : 0);
      if (score > highest || (score === highest && slot.usedAt < (best?.usedAt ?? 0))) [best, highest] = [slot, score];
    }
    return best;
  }

  /** @returns a slot that is marked busy */
  async function acquire(tokens: Token[], key: string | undefined, signal: AbortSignal): Promise<Slot> {
    for (;;) {
      signal.throwIfAborted();
      const slot = choose(tokens, key);
      if (slot) {
        slot.busy = true;
        return slot;
      }
      await new Promise<void>((resolve, reject) => {
        const enter = () => {
          signal.removeEventListener("abort", leave);
          resolve();
        };
        const leave = () => {
          waiting.delete(enter);
          reject(signal.reason);
        };
        waiting.add(enter);
        signal.addEventListener("abort", leave, { once: true });
      });
    }
  }

  function free(slot: Slot): void {
    slot.busy = false;
    const [next] = waiting;
    if (!next) return;
    waiting.delete(next);
    next();
  }

  /** Writes a sequence's state into the store, if it is worth it; nobody owns it afterwards. */
  async function save(slot: Slot): Promise<StoredState | undefined> {
    const { owner, sequence } = slot;
    slot.owner = undefined;
    if (owner === undefined || sequence.nextTokenIndex < MIN_TOKENS) return undefined;
    return store.save(owner, sequence.nextTokenIndex, (file) => sequence.saveStateToFile(file));
  }

  /** Its place is wanted for another session. */
  async function evict(slot: Slot, traceparent?: string): Promise<void> {
    const startedAt = Date.now();
    const begun = performance.now();
    const saved = await save(slot);
    if (!saved) return;
    const { key, tier: to, tokens, bytes } = saved;
    onMove({ key, from: "live", to, tokens, bytes, startedAt, ms: performance.now() - begun, traceparent });
  }

  /** After this the sequence is in order whatever the file was like; the rest of the prompt is evaluated. */
  async function restore(slot: Slot, key: string, traceparent?: string): Promise<void> {
    const startedAt = Date.now();
    const begun = performance.now();
    const { sequence } = slot;
    const taken = await store.take(key, async ({ file, tokens }) => {
      await sequence.loadStateFromFile(file, { acceptRisk: true });
      if (sequence.nextTokenIndex !== tokens) throw new Error("holds another number of tokens than were written");
    });
    if (!taken) {
      await sequence.clearHistory();
      return;
    }
    const { tier: from, tokens, bytes } = taken;
    onMove({ key, from, to: "live", tokens, bytes, startedAt, ms: performance.now() - begun, traceparent });
  }

  function own(slot: Slot, key: string | undefined): void {
    slot.usedAt = ++clock;
    slot.owner = key;
    // Of two calls of one session at once, the later end is what the session goes on from.
    for (const other of slots) if (other !== slot && !other.busy && other.owner === key) other.owner = undefined;
  }

  return {
    async lease(tokens, key, signal, traceparent) {
      const slot = await acquire(tokens, key, signal);
      const mine = key !== undefined && slot.owner === key;
      try {
        if (!mine) {
          await evict(slot, traceparent);
          if (key !== undefined && store.get(key)) await restore(slot, key, traceparent);
        }
        slot.owner = key;
      } catch (error) {
        free(slot);
        throw error;
      }
      return {
        sequence: slot.sequence,
        release() {
          if (key !== undefined && forgotten.delete(key)) {
            slot.owner = undefined;
            // The slot is free when its state is gone.
            void slot.sequence.clearHistory().finally(() => free(slot));
            return;
          }
          own(slot, key);
          free(slot);
        },
      };
    },
    list() {
      const live = slots.flatMap(({ owner, sequence }) =>
        owner === undefined ? [] : [{ key: owner, tier: "live" as const, tokens: sequence.nextTokenIndex, bytes: undefined }],
      );
      const keys = new Set(live.map(({ key }) => key));
      return [...live, ...store.list().filter(({ key }) => !keys.has(key))];
    },
    async writeOut(key) {
      if (slots.some((slot) => slot.busy && slot.owner === key)) return "busy";
      const slot = slots.find(({ owner }) => owner === key);
      if (!slot) return store.get(key)?.tier;
      slot.busy = true;
      try {
        await save(slot);
      } finally {
        free(slot);
      }
      return store.get(key) && "live";
    },
    async forget(key) {
      for (const slot of slots) {
        if (slot.owner !== key) continue;
        if (slot.busy) forgotten.add(key);
        else {
          slot.owner = undefined;
          slot.busy = true;
          await slot.sequence.clearHistory().finally(() => free(slot));
        }
      }
      await store.remove(key);
    },
  };
}

const isWorthKeeping = ({ owner, sequence }: Slot) => owner !== undefined && sequence.nextTokenIndex >= MIN_TOKENS;
