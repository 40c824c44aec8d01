/** How long replies are: moving averages per route and task, since a heartbeat's is no essay. */

import { emptyMap, getOrMake } from "../get-or-make.ts";

export interface OutputLengths {
  /** Tokens. That of all calls where this kind has not been seen. */
  expected(route: string, task: string | undefined): number;
  observe(route: string, task: string | undefined, tokens: number): void;
  state(): OutputLengthsState;
  /** Expects as the one that gave this state did then. */
  restore(state: OutputLengthsState): void;
}

/** Averages in tokens, as plain values. */
export interface OutputLengthsState {
  all: number;
  /** A client that names no task has null. */
  kinds: { route: string; task: string | null; tokens: number }[];
}

export const FIRST_GUESS_TOKENS = 256;
const WEIGHT = 0.05;
/** Tasks come from clients' headers: their number has to have an end. Kinds beyond it count as all calls do. */
export const MAX_KINDS = 1024;

export function createOutputLengths(): OutputLengths {
  const routes = new Map<string, Map<string | undefined, number>>();
  let kinds = 0;
  let all = FIRST_GUESS_TOKENS;
  return {
    expected: (route, task) => routes.get(route)?.get(task) ?? all,
    observe(route, task, tokens) {
      const tasks = getOrMake(routes, route, emptyMap<string | undefined, number>);
      const known = tasks.get(task);
      if (known !== undefined || kinds < MAX_KINDS) {
        if (known === undefined) kinds++;
        tasks.set(task, blend(known ?? all, tokens));
      }
      all = blend(all, tokens);
    },
    state: () => ({
      all,
      kinds: [...routes].flatMap(([route, tasks]) => [...tasks].map(([task, tokens]) => ({ route, task: task ?? null, tokens }))),
    }),
    restore(state) {
      all = state.all;
      routes.clear();
      const kept = state.kinds.slice(0, MAX_KINDS);
      for (const { route, task, tokens } of kept)
        getOrMake(routes, route, emptyMap<string | undefined, number>).set(task ?? undefined, tokens);
      kinds = kept.length;
    },
  };
}

const blend = (average: number, tokens: number) => average + WEIGHT * (tokens - average);
