/** How long replies are: moving averages per route and task, since a heartbeat's is no essay. */

import { emptyMap, getOrMake } from "../get-or-make.ts";

export interface OutputLengths {
  /** Tokens. That of all calls where this kind has not been seen. */
  expected(route: string, task: string | undefined): number;
  observe(route: string, task: string | undefined, tokens: number): void;
  state(): OutputLengthsState;
  /** Before the first call. Expects as the one that gave this state did then. */
  restore(state: OutputLengthsState): void;
}

/** Averages in tokens, as plain values. */
export interface OutputLengthsState {
  all: number;
  /** Those with the most calls. A client that names no task has null. */
  kinds: { route: string; task: string | null; tokens: number }[];
}

export const FIRST_GUESS_TOKENS = 256;
const WEIGHT = 0.05;
/** Tasks come from clients' headers: their number has to have an end. Kinds beyond it count as all calls do. */
const MAX_KINDS = 1024;
/** Of those that are kept beyond the process: names that came once must not take the room of tomorrow's for good. */
export const MAX_KEPT_KINDS = 512;

interface Kind {
  tokens: number;
  /** Of this process. */
  calls: number;
}

export function createOutputLengths(): OutputLengths {
  const routes = new Map<string, Map<string | undefined, Kind>>();
  const kindsOf = (route: string) => getOrMake(routes, route, emptyMap<string | undefined, Kind>);
  let kinds = 0;
  let all = FIRST_GUESS_TOKENS;
  return {
    expected: (route, task) => routes.get(route)?.get(task)?.tokens ?? all,
    observe(route, task, tokens) {
      const tasks = kindsOf(route);
      const known = tasks.get(task);
      if (known) {
        known.tokens = blend(known.tokens, tokens);
        known.calls++;
      } else if (kinds < MAX_KINDS) {
        kinds++;
        tasks.set(task, { tokens: blend(all, tokens), calls: 1 });
      }
      all = blend(all, tokens);
    },
    state() {
      const seen = [...routes].flatMap(([route, tasks]) => [...tasks].map(([task, kind]) => ({ route, task: task ?? null, ...kind })));
      seen.sort((a, b) => b.calls - a.calls);
      return { all, kinds: seen.slice(0, MAX_KEPT_KINDS).map(({ route, task, tokens }) => ({ route, task, tokens })) };
    },
    restore(state) {
      all = state.all;
      for (const { route, task, tokens } of state.kinds) kindsOf(route).set(task ?? undefined, { tokens, calls: 0 });
      kinds = state.kinds.length;
    },
  };
}

const blend = (average: number, tokens: number) => average + WEIGHT * (tokens - average);
