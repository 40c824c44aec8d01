/** `cache_control: {"type": "ephemeral", "ttl": "5m" | "1h"}`. */

import type { Field } from "../field.ts";
import type { CacheHint, JsonObject } from "../types.ts";

export function cacheHint(block: Field): CacheHint | undefined {
  const control = block.get("cache_control");
  if (!control.present) return undefined;
  return control.get("ttl").value === "1h" ? "1h" : "5m";
}

/** To be spread into a block. */
export const cacheControl = (hint: CacheHint | undefined): JsonObject =>
  hint === undefined ? {} : { cache_control: hint === "1h" ? { type: "ephemeral", ttl: "1h" } : { type: "ephemeral" } };
