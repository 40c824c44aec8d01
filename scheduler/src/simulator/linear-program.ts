/** Maximise c·x where A·x ≤ b and x ≥ 0, with b ≥ 0: the simplex method on a dense table. For tens of rows and thousands of columns. */

export interface LinearProgram {
  objective: readonly number[];
  /** One row per constraint, as long as the objective. */
  rows: readonly (readonly number[])[];
  /** None below 0: x = 0 is then allowed, and no first phase is needed. */
  bounds: readonly number[];
}

export interface Optimum {
  value: number;
  x: number[];
}

const EPSILON = 1e-9;

/** @throws Error where the objective has no limit, or a bound is below 0 */
export function maximise({ objective, rows, bounds }: LinearProgram): Optimum {
  if (bounds.some((bound) => bound < 0)) throw new Error("linear program: a bound is below 0");
  const columns = objective.length;
  // Row i: coefficients, slacks, bound. The last row holds what is still to be gained per column.
  const width = columns + rows.length + 1;
  const table = rows.map((row, index) => {
    const line = new Float64Array(width);
    line.set(row);
    line[columns + index] = 1;
    line[width - 1] = bounds[index] ?? 0;
    return line;
  });
  const gain = new Float64Array(width);
  gain.set(objective);
  const basis = rows.map((_, index) => columns + index);

  for (let pivots = 0; ; pivots++) {
    // The steepest first; later, against cycling, the first that gains (Bland).
    const entering = pivots < 2000 ? steepest(gain, width - 1) : gain.findIndex((value, index) => index < width - 1 && value > EPSILON);
    if (entering < 0) break;
    const leaving = tightest(table, entering, width - 1, basis);
    if (leaving < 0) throw new Error("linear program: the objective has no limit");
    pivot(table, gain, leaving, entering);
    basis[leaving] = entering;
  }
  const x = new Array<number>(columns).fill(0);
  for (const [index, column] of basis.entries()) if (column < columns) x[column] = table[index]?.[width - 1] ?? 0;
  return { value: -(gain[width - 1] ?? 0), x };
}

function steepest(gain: Float64Array, end: number): number {
  let best = -1;
  let most = EPSILON;
  for (let index = 0; index < end; index++) {
    if ((gain[index] as number) <= most) continue;
    most = gain[index] as number;
    best = index;
  }
  return best;
}

function tightest(table: readonly Float64Array[], column: number, last: number, basis: readonly number[]): number {
  let best = -1;
  let least = Infinity;
  for (const [index, row] of table.entries()) {
    const coefficient = row[column] as number;
    if (coefficient <= EPSILON) continue;
    const ratio = (row[last] as number) / coefficient;
    if (ratio < least || (ratio === least && best >= 0 && (basis[index] as number) < (basis[best] as number))) {
      least = ratio;
      best = index;
    }
  }
  return best;
}

function pivot(table: readonly Float64Array[], gain: Float64Array, leaving: number, entering: number): void {
  const row = table[leaving] as Float64Array;
  const divisor = row[entering] as number;
  for (let index = 0; index < row.length; index++) row[index] = (row[index] as number) / divisor;
  for (const other of [...table, gain]) {
    const factor = other[entering] as number;
    if (other === row || factor === 0) continue;
    for (let index = 0; index < row.length; index++) other[index] = (other[index] as number) - factor * (row[index] as number);
  }
}
