/**
 * JSON Schema to GBNF, llama.cpp's grammar notation. What the result accepts is valid by: type, properties with required and
 * additionalProperties, items, minItems and maxItems, enum, const, anyOf and oneOf, allOf of one, $ref within the schema, minLength and
 * maxLength. Ranges of numbers, `pattern` and `format` are not enforced. Required properties come first, then the others, each in the
 * order of the schema.
 */

/** The schema cannot be turned into a grammar. The client's mistake, or a keyword that is not supported; the message says where. */
export class SchemaError extends Error {}

type Schema = Readonly<Record<string, unknown>>;

/** A number of as many digits as a double holds, so that a grammar alone ends it. */
const NUMBER = `"-"? ("0" | [1-9] [0-9]{0,15})`;
const PRIMITIVES: Readonly<Record<string, string>> = {
  ws: `[ ]?`,
  char: `[^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\bfnrt] | "u" [0-9a-fA-F]{4})`,
  string: `"\\"" char* "\\""`,
  integer: NUMBER,
  number: `${NUMBER} ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?`,
  boolean: `"true" | "false"`,
  null: `"null"`,
  object: `"{" ws (member ("," ws member)*)? "}"`,
  member: `string ":" ws value`,
  array: `"[" ws (value ("," ws value)*)? "]"`,
  value: `object | array | string | number | boolean | null`,
};
const MAX_RULES = 2_000;
/** llama.cpp unrolls repetitions. */
const MAX_REPEAT = 1_000;
const REFUSED = ["not", "if", "patternProperties", "dependentSchemas", "unevaluatedProperties", "contains"];

/** A grammar under construction: rules by name. `root` is the caller's. */
export interface GrammarBuilder {
  /** @returns the name of a rule that accepts what the schema does. @throws SchemaError */
  schema(schema: unknown): string;
  /** @returns the grammar's text */
  build(root: string): string;
}

export function createGrammarBuilder(): GrammarBuilder {
  const rules = new Map<string, string>();
  const references = new Map<unknown, string>();
  let document: unknown;

  function add(body: string): string {
    if (rules.size >= MAX_RULES) throw new SchemaError("the schema is too large for a grammar");
    const name = `r${rules.size}`;
    rules.set(name, body);
    return name;
  }

  function visit(schema: unknown, at: string): string {
    if (schema === true || schema === undefined) return "value";
    if (!isObject(schema)) throw new SchemaError(`${at}: expected a schema`);
    for (const keyword of REFUSED) if (keyword in schema) throw new SchemaError(`${at}: "${keyword}" is not supported by this pool`);
    // What zod writes of a record: every name is a string.
    if (schema.propertyNames !== undefined && JSON.stringify(schema.propertyNames) !== '{"type":"string"}') {
      throw new SchemaError(`${at}: "propertyNames" is not supported by this pool`);
    }
    if (typeof schema.$ref === "string") return reference(schema.$ref, at);
    if ("const" in schema) return add(literal(schema.const));
    if (Array.isArray(schema.enum)) return add(alternatives(schema.enum.map(literal), at));
    const either = schema.anyOf ?? schema.oneOf;
    if (Array.isArray(either))
      return add(
        alternatives(
          either.map((option, index) => visit(option, `${at}.anyOf[${index}]`)),
          at,
        ),
      );
    if (Array.isArray(schema.allOf)) {
      if (schema.allOf.length === 1) return visit(schema.allOf[0], `${at}.allOf[0]`);
      throw new SchemaError(`${at}: "allOf" of several schemas is not supported by this pool`);
    }
    const { type } = schema;
    if (Array.isArray(type))
      return add(
        alternatives(
          type.map((one) => visit({ ...schema, type: one }, at)),
          at,
        ),
      );
    if (type === "object" || (type === undefined && isObject(schema.properties))) return object(schema, at);
    if (type === "array" || (type === undefined && schema.items !== undefined)) return array(schema, at);
    if (type === "string") return string(schema, at);
    if (type === undefined) return "value";
    if (typeof type === "string" && ["number", "integer", "boolean", "null"].includes(type)) return type;
    throw new SchemaError(`${at}: there is no type ${JSON.stringify(type)}`);
  }

  function reference(ref: string, at: string): string {
    const target = resolve(document, ref);
    if (target === undefined) throw new SchemaError(`${at}: nothing is at ${ref}`);
    const known = references.get(target);
    if (known !== undefined) return known;
    // Named before it is visited: a schema may contain itself.
    const name = add("");
    references.set(target, name);
    rules.set(name, visit(target, ref));
    return name;
  }

  function object(schema: Schema, at: string): string {
    // A map of anything.
    if (schema.properties === undefined && schema.required === undefined && schema.additionalProperties === undefined) return "object";
    const properties = isObject(schema.properties) ? schema.properties : {};
    const names = Object.keys(properties);
    const required = new Set(namesIn(schema.required, at));
    const pair = (name: string) => add(`${literal(name)} ":" ws ${visit(properties[name], `${at}.${name}`)}`);
    const must = names.filter((name) => required.has(name)).map(pair);
    for (const name of required) if (!names.includes(name)) must.push(add(`${literal(name)} ":" ws value`));
    const may = names.filter((name) => !required.has(name)).map(pair);
    const { additionalProperties = false } = schema;
    if (additionalProperties !== false) may.push(others(names, additionalProperties, at));
    const isOthers = (index: number) => additionalProperties !== false && index === may.length - 1;
    /** What may follow from an index on, each with its comma before it. */
    const rest = (from: number) =>
      may
        .slice(from)
        .map((rule, offset) => `("," ws ${rule})${isOthers(from + offset) ? "*" : "?"}`)
        .join(" ");
    if (must.length > 0) return add(`"{" ws ${must.join(` "," ws `)} ${rest(0)} ws "}"`);
    if (may.length === 0) return add(`"{" ws "}"`);
    const first = may.map((rule, index) => `${rule} ${isOthers(index) ? rest(index) : rest(index + 1)}`);
    return add(`"{" ws (${first.join(" | ")})? ws "}"`);
  }

  /** Pairs whose name is none of the known ones: a name that begins with `_`, which is less than the schema allows, but unambiguous. */
  function others(names: readonly string[], schema: unknown, at: string): string {
    if (names.length === 0) return schema === true ? "member" : add(`string ":" ws ${visit(schema, `${at}.additionalProperties`)}`);
    return add(`"\\"_" [a-z0-9_]{1,40} "\\"" ":" ws ${visit(schema, `${at}.additionalProperties`)}`);
  }

  function array(schema: Schema, at: string): string {
    const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
    if (prefix.length > 0) {
      const items = prefix.map((item, index) => visit(item, `${at}.prefixItems[${index}]`));
      return add(`"[" ws ${items.join(` "," ws `)} ws "]"`);
    }
    const item = visit(schema.items, `${at}.items`);
    const least = bound(schema.minItems, 0);
    const most = schema.maxItems === undefined ? undefined : bound(schema.maxItems, 0);
    if (most !== undefined && most < least) throw new SchemaError(`${at}: maxItems is below minItems`);
    if (most === 0) return add(`"[" ws "]"`);
    const some = `${item} ("," ws ${item}){${Math.max(0, least - 1)},${most === undefined ? "" : most - 1}}`;
    return add(`"[" ws ${least === 0 ? `(${some})?` : some} ws "]"`);
  }

  function string({ minLength, maxLength }: Schema, at: string): string {
    if (minLength === undefined && maxLength === undefined) return "string";
    const least = bound(minLength, 0);
    const most = typeof maxLength !== "number" || maxLength > MAX_REPEAT ? "" : bound(maxLength, 0);
    if (most !== "" && most < least) throw new SchemaError(`${at}: maxLength is below minLength`);
    return add(`"\\"" char{${least},${most}} "\\""`);
  }

  return {
    schema(schema) {
      document = schema;
      return visit(schema, "schema");
    },
    build(root) {
      const all = [["root", root], ...rules, ...Object.entries(PRIMITIVES)];
      return all.map(([name, body]) => `${name} ::= ${body}`).join("\n");
    },
  };
}

/** A grammar for one value of a schema; without a schema, for any JSON object. @throws SchemaError */
export function jsonGrammar(schema?: unknown): string {
  const builder = createGrammarBuilder();
  return builder.build(schema === undefined ? "object" : builder.schema(schema));
}

/** A JSON value as a GBNF literal. */
export function literal(value: unknown): string {
  return quote(JSON.stringify(value));
}

/** Text as a GBNF literal. */
export const quote = (text: string): string =>
  `"${text.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`))}"`;

function alternatives(options: readonly string[], at: string): string {
  if (options.length === 0) throw new SchemaError(`${at}: no value is allowed`);
  return options.join(" | ");
}

function namesIn(required: unknown, at: string): string[] {
  if (!Array.isArray(required)) return [];
  return required.map((name) => {
    if (typeof name !== "string") throw new SchemaError(`${at}: "required" names no property by ${JSON.stringify(name)}`);
    return name;
  });
}

const bound = (value: unknown, otherwise: number): number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 ? Math.min(value, MAX_REPEAT) : otherwise;

const isObject = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);

/** `#`, `#/$defs/name`, any JSON pointer into the schema. */
function resolve(document: unknown, ref: string): unknown {
  if (!ref.startsWith("#")) return undefined;
  let place = document;
  for (const step of ref.slice(1).split("/").slice(1)) {
    if (typeof place !== "object" || place === null) return undefined;
    place = Reflect.get(place, decoded(step).replaceAll("~1", "/").replaceAll("~0", "~"));
  }
  return place;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
