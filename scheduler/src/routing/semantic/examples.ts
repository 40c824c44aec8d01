/** Vectors of the routes' examples: made at start, and kept in a file so that the next start needs no model. */

import { hash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../log.ts";
import type { AskForVectors } from "./embedder.ts";
import { unit, type Vector } from "./vectors.ts";

export interface Examples {
  /** Undefined until all are there. */
  vectorOf(text: string): Vector | undefined;
  readonly ready: boolean;
  close(): void;
}

export interface ExamplesOptions {
  texts: readonly string[];
  ask: AskForVectors;
  /** Pool or address, and model: whose vectors these are. */
  source: string;
  file: string;
  log: Log;
}

/** Texts in one question. */
const BATCH = 64;
const TIMEOUT_MS = 60_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

/** Asks until the model has answered: its pool may still be starting. */
export function loadExamples({ texts, ask, source, file, log }: ExamplesOptions): Examples {
  const distinct = [...new Set(texts)];
  const key = hash("sha256", JSON.stringify([source, distinct]), "base64");
  const stop = new AbortController();
  let vectors: Map<string, Vector> | undefined;

  async function load(): Promise<void> {
    let values = await readKept(file, key);
    for (let retryMs = FIRST_RETRY_MS; !values; retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)) {
      try {
        values = await askAll(distinct, ask, stop.signal);
        await keep(file, { key, vectors: values });
      } catch (error) {
        if (stop.signal.aborted) return;
        if (values) log.warn("vectors of examples could not be kept", { file, reason: (error as Error).message });
        else if (retryMs === FIRST_RETRY_MS)
          log.warn("no vectors of examples yet: asked again", { source, reason: (error as Error).message });
        if (!values) await sleep(retryMs, undefined, { signal: stop.signal });
      }
    }
    vectors = new Map(distinct.map((text, index) => [text, unit(values[index] ?? [])]));
    log.info("semantic routes are ready", { examples: distinct.length, source });
  }
  // Only the end of the wait rejects.
  if (distinct.length > 0) void load().catch(() => {});

  return {
    vectorOf: (text) => vectors?.get(text),
    get ready() {
      return vectors !== undefined;
    },
    close: () => stop.abort(),
  };
}

async function askAll(texts: readonly string[], ask: AskForVectors, signal: AbortSignal): Promise<number[][]> {
  const vectors: number[][] = [];
  for (let from = 0; from < texts.length; from += BATCH) {
    vectors.push(...(await ask(texts.slice(from, from + BATCH), AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]))));
  }
  return vectors;
}

interface Kept {
  key: string;
  vectors: number[][];
}

async function readKept(file: string, key: string): Promise<number[][] | undefined> {
  try {
    const kept = JSON.parse(await readFile(file, "utf8")) as Kept;
    return kept.key === key ? kept.vectors : undefined;
  } catch {
    // Not there yet, or cut short: made again.
    return undefined;
  }
}

async function keep(file: string, kept: Kept): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
