/** Which route a request takes: the first in the order of the file whose every condition holds. */

import type { RouteConfig } from "../config/route-schema.ts";
import { type Condition, conditionsOf, type RouteSubject } from "./conditions.ts";

export type { RouteSubject } from "./conditions.ts";

/** How near the last user message is to the examples of routes that match by meaning. */
export interface Likeness {
  /** Cosine similarity to the nearest example of the named route. */
  of(route: string): { score: number; example: string } | undefined;
  /** Why there is no vector to compare. */
  skipped?: string;
}

export interface RouteChoice {
  /** Undefined: none matched. */
  route: RouteConfig | undefined;
  /** In words: the conditions that held, or that none did; and whether matching by meaning had to be left out. */
  why: string;
  /** Of the route that matched by meaning. */
  score: number | undefined;
}

export interface RouteTable {
  /** Whether a vector of the last user message can decide: a route that wants one comes before any that holds without. */
  needsLikeness(subject: RouteSubject): boolean;
  choose(subject: RouteSubject, likeness?: Likeness): RouteChoice;
}

export function createRouteTable(routes: readonly RouteConfig[]): RouteTable {
  const compiled = routes.map((route) => ({ route, semantic: route.when.semantic, conditions: conditionsOf(route.when) }));
  const holds = (conditions: readonly Condition[], subject: RouteSubject) => conditions.every((condition) => condition.holds(subject));
  const anySemantic = compiled.some(({ semantic }) => semantic);

  return {
    needsLikeness: (subject) => anySemantic && compiled.find(({ conditions }) => holds(conditions, subject))?.semantic !== undefined,
    choose(subject, likeness) {
      const skipped = likeness?.skipped === undefined ? "" : `; matching by meaning was left out: ${likeness.skipped}`;
      for (const { route, semantic, conditions } of compiled) {
        const near = semantic && likeness?.of(route.name);
        if (semantic && (near === undefined || near.score < semantic.threshold)) continue;
        if (!holds(conditions, subject)) continue;
        const why = conditions.map((condition) => condition.why(subject));
        if (near) why.push(`means "${near.example.slice(0, 80)}" (${near.score.toFixed(3)})`);
        return { route, why: (why.join(", ") || "no conditions") + skipped, score: near?.score };
      }
      return { route: undefined, why: (compiled.length > 0 ? "no route matched" : "no routes") + skipped, score: undefined };
    },
  };
}
