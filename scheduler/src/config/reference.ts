/** CONFIG.md: every key of signalbox.config.yaml, from its schema. */

import { configJsonSchema, type JsonSchema } from "./json-schema.ts";

const HEAD = `# signalbox.config.yaml

Every key, made from the schema by \`node scheduler/src/config/main.ts reference > scheduler/CONFIG.md\`. \`npx signalbox config check\` tells what is
wrong with a file; editors do too when its first line is

\`\`\`yaml
# yaml-language-server: $schema=./signalbox.config.schema.json
\`\`\`

and \`npx signalbox config schema > signalbox.config.schema.json\` was run beside it. \`[]\` stands for each entry of a list, \`<name>\` for a name
of your own. **Bold** keys must be there.

| key | takes | default | what it says |
|---|---|---|---|
`;

export function configReference(): string {
  const schema = configJsonSchema();
  const rows = Object.entries(schema.properties ?? {}).flatMap(([key, part]) => rowsOf(key, part, schema.required?.includes(key) ?? false));
  return `${HEAD}${[...new Set(rows)].join("\n")}\n`;
}

function rowsOf(place: string, schema: JsonSchema, required: boolean): string[] {
  const name = required ? `**\`${place}\`**` : `\`${place}\``;
  const fallback = schema.default === undefined || isObject(schema.default) ? "" : `\`${JSON.stringify(schema.default)}\``;
  const row = `| ${name} | ${cell(takes(schema))} | ${fallback} | ${cell(schema.description ?? "")} |`;
  return [row, ...below(place, schema)];
}

function below(place: string, schema: JsonSchema): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, part]) =>
    rowsOf(`${place}.${key}`, part, schema.required?.includes(key) ?? false),
  );
  const named = isObject(schema.additionalProperties) ? below(`${place}.<name>`, schema.additionalProperties as JsonSchema) : [];
  const items = schema.items ? below(`${place}[]`, schema.items) : [];
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((branch) => below(place, branch));
  return [...own, ...named, ...items, ...branches];
}

function takes(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.const !== undefined) return `\`${schema.const}\``;
  const branches = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (branches.length > 0) return [...new Set(branches.map(takes))].join(" or ");
  if (schema.type === "array") return `list of ${schema.items ? takes(schema.items) : "anything"}`;
  if (schema.type === "object") return isObject(schema.additionalProperties) && !schema.properties ? "names with values" : "keys";
  return [schema.type ?? "anything", ...bounds(schema)].join(" ");
}

/** JSON Schema knows no "unbounded": whole numbers end where they are exact no more. */
function bounds({ minimum, exclusiveMinimum, maximum }: JsonSchema): string[] {
  const most = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER ? [`≤ ${maximum}`] : [];
  if (typeof exclusiveMinimum === "number") return [`> ${exclusiveMinimum}`, ...most];
  return typeof minimum === "number" && minimum > Number.MIN_SAFE_INTEGER ? [`≥ ${minimum}`, ...most] : most;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
