/** Arrivals: a trace as Azure publishes it, at another rate, with classes. */

import type { SlaClass } from "@signalbox/otel/conventions";
import type { Demand } from "../placement/candidate.ts";
import { hashUnit } from "./random.ts";

export interface Trace {
  /** In order of time. */
  rows: TraceRow[];
  /** When the first came, milliseconds since the epoch. */
  startsAt: number;
}

/** One request of the trace. */
export interface TraceRow {
  /** Milliseconds from the first one. */
  atMs: number;
  promptTokens: number;
  outputTokens: number;
}

/** One request of a simulation. */
export interface Arrival extends TraceRow {
  slaClass: SlaClass;
  minTier: number;
  /** What stays with one variant of a route; absent: all belong together. */
  session?: string;
  /** What a route allows; absent: everything. */
  use?: Pick<Demand, "silicon" | "pools" | "models">;
}

/** Shares of classes, 0 to 1; what is left is `standard`. */
export interface ClassMix {
  interactive: number;
  background: number;
}

/**
 * Columns TIMESTAMP, ContextTokens, GeneratedTokens, as in AzurePublicDataset.
 * @throws Error naming the line that is not like that
 */
export function parseTrace(text: string, file = "trace"): Trace {
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  if (header.trim() !== "TIMESTAMP,ContextTokens,GeneratedTokens") {
    throw new Error(`${file}:1: expected the columns TIMESTAMP,ContextTokens,GeneratedTokens, found: ${header.slice(0, 80)}`);
  }
  const rows = lines.map((line, index) => {
    const [stamp = "", context, generated] = line.split(",");
    // Seven digits of a second: Date takes three.
    const at = Date.parse(`${stamp.slice(0, 23).replace(" ", "T")}Z`);
    const promptTokens = Number(context);
    const outputTokens = Number(generated);
    if (Number.isNaN(at) || !(promptTokens > 0) || !(outputTokens > 0)) {
      throw new Error(`${file}:${index + 2}: expected a time and two numbers above 0, found: ${line.slice(0, 80)}`);
    }
    return { atMs: at, promptTokens, outputTokens };
  });
  if (rows.length < 2) throw new Error(`${file}: fewer than two requests`);
  rows.sort((a, b) => a.atMs - b.atMs);
  const startsAt = (rows[0] as TraceRow).atMs;
  for (const row of rows) row.atMs -= startsAt;
  return { rows, startsAt };
}

export interface Load {
  /** Requests a second, averaged over the trace: its own times are stretched or pressed together. */
  rate: number;
  /** How often the trace is played, one after the other; classes differ from play to play. */
  loops: number;
  mix: ClassMix;
  seed: number;
}

export function arrivals(rows: readonly TraceRow[], { rate, loops, mix, seed }: Load): Arrival[] {
  const lastMs = (rows.at(-1) as TraceRow).atMs;
  const scale = (rows.length - 1) / (lastMs / 1000) / rate;
  // One usual gap between the end of a play and the start of the next.
  const periodMs = (lastMs * rows.length) / (rows.length - 1);
  return Array.from({ length: loops * rows.length }, (_, index) => {
    const { atMs, promptTokens, outputTokens } = rows[index % rows.length] as TraceRow;
    const loop = Math.floor(index / rows.length);
    return {
      atMs: (loop * periodMs + atMs) * scale,
      promptTokens,
      outputTokens,
      slaClass: classAt(index, mix, seed),
      minTier: 0,
      session: String(index),
    };
  });
}

/** By a hash of the request's number: independent of its size and of its time. */
export function classAt(index: number, mix: ClassMix, seed: number): SlaClass {
  const unit = hashUnit(index, seed);
  if (unit < mix.interactive) return "interactive";
  return unit < mix.interactive + mix.background ? "background" : "standard";
}
