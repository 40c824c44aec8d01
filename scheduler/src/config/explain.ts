/** Schema issues in words, with a suggestion where a key or a value looks misspelt. */

import { z } from "zod";
import type { ConfigIssue } from "./references.ts";
import { didYouMean } from "./suggest.ts";

/** One issue per mistake: a strict object reports all its unknown keys at once, they are told apart here. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], schema: z.core.$ZodType): ConfigIssue[] {
  return issues.flatMap((issue) => explain(issue, schema));
}

function explain(issue: z.core.$ZodIssue, schema: z.core.$ZodType): ConfigIssue[] {
  const { path } = issue;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key "${key}"${didYouMean(key, known)}` }));
    }
    case "invalid_value": {
      const values = issue.values.map(String);
      const given = typeof issue.input === "string" ? didYouMean(issue.input, values) : "";
      return [{ path, message: `expected one of ${values.join(", ")}${given}` }];
    }
    case "invalid_union": {
      // The branch that came furthest is the one that was meant: the fewest complaints.
      const branches = issue.errors.filter((branch) => branch.length > 0).sort((a, b) => a.length - b.length);
      const [meant] = branches;
      if (!meant) return [{ path, message: issue.message }];
      return meant.flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] } as z.core.$ZodIssue, schema));
    }
    case "invalid_type":
      if (issue.input === undefined) return [{ path, message: `is missing (expected ${issue.expected})` }];
      return [{ path, message: lowerFirst(issue.message.replace(/^Invalid input: /, "")) }];
    default:
      return [{ path, message: lowerFirst(issue.message.replace(/^Invalid input: /, "")) }];
  }
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
