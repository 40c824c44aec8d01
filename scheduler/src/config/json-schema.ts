/** The JSON Schema of signalbox.config.yaml, for editors. What refers to another part of the file is checked at start alone. */

import { z } from "zod";
import { configSchema } from "./schema.ts";

export interface JsonSchema {
  [keyword: string]: unknown;
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  type?: string;
}

/** Draft 2020-12, of the file as it is written: what has a default may be left out. */
export function configJsonSchema(): JsonSchema {
  return {
    title: "signalbox.config.yaml",
    ...(z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema),
  };
}
