/** How long replies are: moving averages per route and task, since a heartbeat's is no essay. */

export interface OutputLengths {
  /** Tokens. That of all calls where this kind has not been seen. */
  expected(route: string, task: string | undefined): number;
  observe(route: string, task: string | undefined, tokens: number): void;
}

export const FIRST_GUESS_TOKENS = 256;
const WEIGHT = 0.05;
/** Tasks come from clients' headers: their number has to have an end. Kinds beyond it count as all calls do. */
const MAX_KINDS = 1024;

export function createOutputLengths(): OutputLengths {
  const kinds = new Map<string, number>();
  let all = FIRST_GUESS_TOKENS;
  const key = (route: string, task = "") => `${route}\n${task}`;
  return {
    expected: (route, task) => kinds.get(key(route, task)) ?? all,
    observe(route, task, tokens) {
      const kind = key(route, task);
      const known = kinds.get(kind);
      if (known !== undefined || kinds.size < MAX_KINDS) kinds.set(kind, blend(known ?? all, tokens));
      all = blend(all, tokens);
    },
  };
}

const blend = (average: number, tokens: number) => average + WEIGHT * (tokens - average);
