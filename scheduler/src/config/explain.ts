/** Schema issues in words, with a suggestion where a key or a value looks misspelt. */

import { z } from "zod";
import type { ConfigIssue } from "./references.ts";
import { didYouMean, nearest } from "./suggest.ts";

/** One issue per mistake: a strict object reports all its unknown keys at once, they are told apart here. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], schema: z.core.$ZodType): ConfigIssue[] {
  const explained = issues.flatMap((issue) => explain(issue, schema));
  const meant = new Set(explained.flatMap(({ meant }) => (meant ? [JSON.stringify(meant)] : [])));
  // A misspelt key is told once: not as a missing one too.
  return explained.filter(({ path, missing }) => !(missing && meant.has(JSON.stringify(path))));
}

interface Explained extends ConfigIssue {
  missing?: true;
  /** Where the misspelt key should stand. */
  meant?: PropertyKey[];
}

function explain(issue: z.core.$ZodIssue, schema: z.core.$ZodType): Explained[] {
  const { path } = issue;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => {
        const meant = nearest(key, known);
        return {
          path: [...path, key],
          message: `unknown key "${key}"${didYouMean(key, known)}`,
          ...(meant !== undefined && { meant: [...path, meant] }),
        };
      });
    }
    case "invalid_value": {
      return [oneOf(path, issue.values.map(String), issue.input)];
    }
    case "too_small":
      return [{ path, message: `expected ${issue.inclusive ? "at least" : "more than"} ${amount(issue.minimum, issue.origin)}` }];
    case "too_big":
      return [{ path, message: `expected ${issue.inclusive ? "at most" : "less than"} ${amount(issue.maximum, issue.origin)}` }];
    case "invalid_union": {
      if ("options" in issue && Array.isArray(issue.options)) return [oneOf(path, issue.options.map(String), valueAt(issue))];
      // The branch that came furthest is the one that was meant: the fewest complaints.
      const branches = issue.errors.filter((branch) => branch.length > 0).sort((a, b) => a.length - b.length);
      const [meant] = branches;
      if (!meant) return [{ path, message: issue.message }];
      return meant.flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue, schema));
    }
    case "invalid_type":
      if (issue.input === undefined) return [{ path, message: `is missing (expected ${issue.expected})`, missing: true }];
      return [{ path, message: lowerFirst(issue.message.replace(/^Invalid input: /, "")) }];
    default:
      return [{ path, message: lowerFirst(issue.message.replace(/^Invalid input: /, "")) }];
  }
}

function oneOf(path: PropertyKey[], values: readonly string[], given: unknown): Explained {
  if (given === undefined) return { path, message: `is missing (expected one of ${values.join(", ")})`, missing: true };
  return { path, message: `expected one of ${values.join(", ")}${typeof given === "string" ? didYouMean(given, values) : ""}` };
}

/** A union tells the whole of what it was given; the key that should tell its branches apart is the last step of the path. */
function valueAt({ input, path }: z.core.$ZodIssue): unknown {
  const step = path.at(-1);
  return typeof input === "object" && input !== null && step !== undefined ? (input as Record<PropertyKey, unknown>)[step] : input;
}

function amount(count: number | bigint, origin: string): string {
  if (origin === "string") return `${count} character${count === 1 ? "" : "s"}`;
  return origin === "array" ? `${count} ${count === 1 ? "entry" : "entries"}` : String(count);
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

/** The keys that a schema allows at a path, every branch of a union counted. */
function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return knownKeys(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion || schema instanceof z.ZodDiscriminatedUnion) {
    return schema.options.flatMap((option) => knownKeys(option, path));
  }
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (step === undefined) return Object.keys(schema.shape);
    const field = schema.shape[String(step)];
    return field ? knownKeys(field, rest) : [];
  }
  if (schema instanceof z.ZodArray) return knownKeys(schema.element, rest);
  if (schema instanceof z.ZodRecord) return knownKeys(schema.valueType, rest);
  return [];
}
