import type { Dialect, Mapping } from "./dialect.ts";
import { genAi } from "./gen-ai.ts";
import { signalbox } from "./signalbox.ts";

/** The dialects that are understood. Where two give a meaning to one name, the earlier stands. */
export const DIALECTS: readonly Dialect[] = [signalbox, genAi];

/** Every attribute name with a meaning. */
export function mappings(dialects: readonly Dialect[] = DIALECTS): ReadonlyMap<string, Mapping> {
  const byName = new Map<string, Mapping>();
  for (const dialect of dialects) {
    for (const [name, mapping] of Object.entries(dialect.attributes)) if (!byName.has(name)) byName.set(name, mapping);
  }
  return byName;
}
