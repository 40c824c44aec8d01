/** Vectors of texts: asked for once each, kept by digest, and never waited for longer than a request can bear. */

import { hash } from "node:crypto";
import { unit, type Vector } from "./vectors.ts";

/** One vector a text, in their order. @throws where the model did not answer with them */
export type AskForVectors = (texts: readonly string[], signal: AbortSignal) => Promise<number[][]>;

export interface Embedder {
  /** The vector, or why there is none yet. Never rejects. */
  embed(text: string): Promise<Vector | { skipped: string }>;
}

export interface EmbedderOptions {
  ask: AskForVectors;
  /** Milliseconds that a request waits. The vector is kept all the same when it comes later. */
  timeoutMs: number;
  /** Of a text: its end is embedded. */
  maxCharacters: number;
  cacheEntries: number;
  onSkip: () => void;
}

/** Questions to the model at once; further texts are skipped. */
const MAX_PENDING = 64;
/** What the model gets at all, milliseconds. */
const GIVE_UP_MS = 30_000;

export function createEmbedder({ ask, timeoutMs, maxCharacters, cacheEntries, onSkip }: EmbedderOptions): Embedder {
  /** Oldest use first. */
  const known = new Map<string, Vector>();
  const pending = new Map<string, Promise<Vector>>();

  async function fetchVector(key: string, text: string): Promise<Vector> {
    const [values] = await ask([text], AbortSignal.timeout(GIVE_UP_MS));
    const vector = unit(values ?? []);
    if (known.size >= cacheEntries) known.delete(known.keys().next().value as string);
    known.set(key, vector);
    return vector;
  }

  function question(key: string, text: string): Promise<Vector> | undefined {
    const asked = pending.get(key);
    if (asked || pending.size >= MAX_PENDING) return asked;
    const asking = fetchVector(key, text).finally(() => pending.delete(key));
    pending.set(key, asking);
    return asking;
  }

  const skip = (skipped: string) => {
    onSkip();
    return { skipped };
  };

  return {
    async embed(whole) {
      const text = whole.slice(-maxCharacters);
      if (text.trim() === "") return { skipped: "there is no user message" };
      const key = hash("sha256", text, "base64");
      const found = known.get(key);
      if (found) {
        known.delete(key);
        known.set(key, found);
        return found;
      }
      const asked = question(key, text);
      if (!asked) return skip(`${MAX_PENDING} texts wait for their vectors`);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, timeoutMs, undefined);
      });
      try {
        return (await Promise.race([asked, late])) ?? skip(`no vector within ${timeoutMs} ms`);
      } catch (error) {
        return skip(`no vector: ${(error as Error).message}`);
      } finally {
        clearTimeout(timer);
        // It may fail after the wait is over.
        asked.catch(() => {});
      }
    },
  };
}
