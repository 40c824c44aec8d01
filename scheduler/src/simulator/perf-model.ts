/** Step times of an engine, from measurements in the format of splitwise-sim's perf_model.csv, or from plain rates. */

/** Milliseconds. Both rise with their argument. */
export interface Timings {
  /** One forward pass over this many prompt tokens, nobody decoding. */
  prefillMs(tokens: number): number;
  /** One token for each of `batch` calls. */
  decodeMs(batch: number): number;
}

export interface MeasuredOn {
  model: string;
  hardware: string;
  tensorParallel: number;
}

type Knot = readonly [x: number, y: number];

/** `factor` times slower. */
export const slower = (timings: Timings, factor: number): Timings => ({
  prefillMs: (tokens) => factor * timings.prefillMs(tokens),
  decodeMs: (batch) => factor * timings.decodeMs(batch),
});

export interface Rates {
  prefillTokensPerSecond: number;
  decodeMsPerToken: number;
  decodeMsPerTokenFull: number;
  slots: number;
}

export const timingsFromRates = ({ prefillTokensPerSecond, decodeMsPerToken, decodeMsPerTokenFull, slots }: Rates): Timings => ({
  prefillMs: (tokens) => Math.max(decodeMsPerToken, (tokens / prefillTokensPerSecond) * 1000),
  decodeMs: (batch) => decodeMsPerToken + ((decodeMsPerTokenFull - decodeMsPerToken) * Math.max(0, batch - 1)) / Math.max(1, slots - 1),
});

/**
 * Medians of repeated measurements, made monotonic, straight lines between, the last slope beyond. Prefill is what was measured at batch 1
 * over prompt sizes; decode what was measured at the prompt size with the most batch sizes.
 * @throws Error where the file has no such measurement
 */
export function timingsFromCsv(text: string, wanted: MeasuredOn): Timings {
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  const names = header.split(",");
  const column = (name: string) => {
    const index = names.indexOf(name);
    if (index < 0) throw new Error(`perf model: no column ${name} in: ${header}`);
    return index;
  };
  const [model, hardware, parallel] = [column("model"), column("hardware"), column("tensor_parallel")];
  const [prompt, batch, promptTime, tokenTime] = [column("prompt_size"), column("batch_size"), column("prompt_time"), column("token_time")];
  const rows = lines
    .map((line) => line.split(","))
    .filter((row) => row[model] === wanted.model && row[hardware] === wanted.hardware && Number(row[parallel]) === wanted.tensorParallel);
  const single = rows.filter((row) => Number(row[batch]) === 1);
  const batches = (size: string) => new Set(rows.filter((row) => row[prompt] === size).map((row) => row[batch])).size;
  const sizes = [...new Set(rows.map((row) => row[prompt] as string))].sort((a, b) => batches(b) - batches(a));
  const prefill = medians(single, prompt, promptTime);
  const decode = medians(
    rows.filter((row) => row[prompt] === sizes[0]),
    batch,
    tokenTime,
  );
  if (prefill.length < 2 || decode.length < 2) {
    const { model, hardware, tensorParallel } = wanted;
    throw new Error(`perf model: no measurements of ${model} on ${hardware} with tensor_parallel ${tensorParallel}`);
  }
  // A pass over no prompt tokens at all is a pass over the weights: a decode step.
  const knots: Knot[] = [[0, (decode[0] as Knot)[1]], ...prefill];
  return { prefillMs: tabulated(monotonic(knots), 16_384), decodeMs: tabulated(monotonic(decode), 1024) };
}

function medians(rows: readonly string[][], x: number, y: number): Knot[] {
  const groups = new Map<number, number[]>();
  for (const row of rows) groups.set(Number(row[x]), [...(groups.get(Number(row[x])) ?? []), Number(row[y])]);
  return [...groups].sort(([a], [b]) => a - b).map(([at, values]) => [at, values.sort((a, b) => a - b)[values.length >> 1] as number]);
}

/** Noise of the measurement is no speed-up: never below a smaller argument's time. */
function monotonic(knots: readonly Knot[]): Knot[] {
  let highest = 0;
  return knots.map(([x, y]) => {
    highest = Math.max(highest, y);
    return [x, highest];
  });
}

/** Whole-number arguments from a table: the simulator asks once an iteration. */
function tabulated(knots: readonly Knot[], size: number): (x: number) => number {
  const table = Float64Array.from({ length: size + 1 }, (_, x) => interpolate(knots, x));
  return (x) => (x <= size && Number.isInteger(x) ? (table[x] as number) : interpolate(knots, x));
}

function interpolate(knots: readonly Knot[], x: number): number {
  const above = knots.findIndex(([at]) => at >= x);
  const to = above < 0 ? knots.length - 1 : Math.max(1, above);
  const [x0, y0] = knots[to - 1] as Knot;
  const [x1, y1] = knots[to] as Knot;
  return x <= x0 ? y0 : y0 + ((x - x0) * (y1 - y0)) / (x1 - x0);
}
