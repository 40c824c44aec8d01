/** Kept replies: bounded in bytes and number, the one that was not asked for longest goes first. In memory. */

import type { CallUsage } from "../dialects/chat-usage.ts";
import { cosine, type Vector } from "../routing/semantic/vectors.ts";

export interface KeptReply {
  contentType: string;
  body: Buffer;
  /** Milliseconds since the epoch. */
  storedAt: number;
  usage: CallUsage | undefined;
  costNanousd: number | undefined;
  /** What the question was but for its last message, and that message's vector. */
  meaning: { group: string; vector: Vector } | undefined;
}

export interface ReplyStore {
  /** @param freshSince of an older reply nothing is given */
  get(key: string, freshSince: number): KeptReply | undefined;
  /** The nearest of a group, if it is near enough. */
  nearest(group: string, vector: Vector, threshold: number, freshSince: number): { reply: KeptReply; score: number } | undefined;
  put(key: string, reply: KeptReply): void;
  /** Takes effect with the next reply that is kept. */
  limit(limits: ReplyLimits): void;
  readonly entries: number;
  readonly bytes: number;
  readonly maxEntryBytes: number;
  /** Replies that were pushed out, or were too large to keep. */
  readonly dropped: number;
}

export interface ReplyLimits {
  max_bytes: number;
  max_entries: number;
  max_entry_bytes: number;
}

/** Of one group: each is compared. */
const MAX_GROUP = 1_000;
/** A vector, and what the engine needs around an entry. */
const OVERHEAD_BYTES = 512;

export function createReplyStore(initial: ReplyLimits): ReplyStore {
  let limits = initial;
  /** Oldest use first. */
  const kept = new Map<string, KeptReply>();
  const groups = new Map<string, Set<string>>();
  let bytes = 0;
  let dropped = 0;

  const sizeOf = ({ body, meaning }: KeptReply) => body.length + (meaning?.vector.byteLength ?? 0) + OVERHEAD_BYTES;

  function remove(key: string): void {
    const reply = kept.get(key);
    if (!reply) return;
    kept.delete(key);
    bytes -= sizeOf(reply);
    const group = reply.meaning && groups.get(reply.meaning.group);
    group?.delete(key);
    if (reply.meaning && group?.size === 0) groups.delete(reply.meaning.group);
  }

  function drop(key: string): void {
    remove(key);
    dropped++;
  }

  function get(key: string, freshSince: number): KeptReply | undefined {
    const reply = kept.get(key);
    if (!reply || reply.storedAt < freshSince) return undefined;
    kept.delete(key);
    kept.set(key, reply);
    return reply;
  }

  return {
    get,
    nearest(group, vector, threshold, freshSince) {
      let best: { key: string; score: number } | undefined;
      for (const key of groups.get(group) ?? []) {
        const reply = kept.get(key);
        if (!reply?.meaning || reply.storedAt < freshSince) continue;
        const score = cosine(vector, reply.meaning.vector);
        if (score >= (best?.score ?? threshold)) best = { key, score };
      }
      const reply = best && get(best.key, freshSince);
      return best && reply && { reply, score: best.score };
    },
    put(key, reply) {
      remove(key);
      const size = sizeOf(reply);
      if (reply.body.length > limits.max_entry_bytes || size > limits.max_bytes) {
        dropped++;
        return;
      }
      while (kept.size > 0 && (kept.size >= limits.max_entries || bytes + size > limits.max_bytes))
        drop(kept.keys().next().value as string);
      kept.set(key, reply);
      bytes += size;
      if (!reply.meaning) return;
      const group = groups.get(reply.meaning.group) ?? new Set();
      if (group.size >= MAX_GROUP) drop(group.keys().next().value as string);
      group.add(key);
      groups.set(reply.meaning.group, group);
    },
    limit(next) {
      limits = next;
    },
    get entries() {
      return kept.size;
    },
    get bytes() {
      return bytes;
    },
    get maxEntryBytes() {
      return limits.max_entry_bytes;
    },
    get dropped() {
      return dropped;
    },
  };
}
