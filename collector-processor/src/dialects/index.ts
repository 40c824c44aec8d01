import type { Attributes } from "../otlp/traces.ts";
import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";
import type { Dialect, Mapping } from "./dialect.ts";
import type { Emitter, Source } from "./emitter.ts";
import { genAi } from "./gen-ai.ts";
import { langfuse } from "./langfuse.ts";
import { openClaw } from "./openclaw.ts";
import { openInference } from "./openinference.ts";
import { openLlmetry } from "./openllmetry.ts";
import { signalbox } from "./signalbox.ts";
import { vercelAi } from "./vercel-ai.ts";
import { vercelAiGenAi } from "./vercel-ai-gen-ai.ts";

/** Names that mean the same whoever sends them. Where two give a meaning to one name, the earlier stands. */
export const DIALECTS: readonly Dialect[] = [signalbox, genAi];

/** Emitters with ways of their own. Where a span bears the marks of two, the earlier has it: Vercel's spans pass through the others' processors. */
export const EMITTERS: readonly Emitter[] = [claudeCode, codex, vercelAi, vercelAiGenAi, openInference, openLlmetry, langfuse, openClaw];

/** Every attribute name with a general meaning. */
export function mappings(dialects: readonly Dialect[] = DIALECTS): ReadonlyMap<string, Mapping> {
  const byName = new Map<string, Mapping>();
  for (const dialect of dialects) {
    for (const [name, mapping] of Object.entries(dialect.attributes)) if (!byName.has(name)) byName.set(name, mapping);
  }
  return byName;
}

const MARKERS = new Map(EMITTERS.flatMap((emitter, rank) => (emitter.markers ?? []).map((name) => [name, rank] as const)));

/** Of most names the first letter says that they are none. */
const startsMarker = new Uint8Array(128);
for (const name of MARKERS.keys()) startsMarker[name.charCodeAt(0)] = 1;

/** Whose all spans and logs of a scope are; undefined: each span's attributes tell. */
export const emitterOfSource = (source: Source): Emitter | undefined => EMITTERS.find((emitter) => emitter.emits?.(source));

/** Whose a span is by its attributes. */
export function emitterOfSpan(attributes: Attributes): Emitter | undefined {
  let best = EMITTERS.length;
  for (let index = 0; index < attributes.length; index += 2) {
    const name = attributes[index] as string;
    if (startsMarker[name.charCodeAt(0)] !== 1) continue;
    const rank = MARKERS.get(name);
    if (rank !== undefined && rank < best) best = rank;
  }
  return EMITTERS[best];
}
