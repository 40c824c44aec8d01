/** Small JSON bodies, checked. */

import type http from "node:http";
import type { z } from "zod";
import { readBody } from "../http/body.ts";
import { HttpError } from "../http/errors.ts";

const MAX_BODY_BYTES = 64 << 10;

/**
 * An empty body is an empty object.
 * @throws HttpError 400 naming the field, 413
 */
export async function readJson<T>(request: http.IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const body = await readBody(request, MAX_BODY_BYTES);
  const parsed = schema.safeParse(parse(body.toString()));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const param = issue?.path.join(".");
  throw new HttpError(400, "invalid_body", `${param ? `${param}: ` : ""}${issue?.message}`, param ? { param } : {});
}

function parse(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, "invalid_body", "the body is not valid JSON");
  }
}

/** @throws HttpError 400 */
export function readLimit(query: URLSearchParams, most: number): number {
  const text = query.get("limit");
  if (text === null) return most;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw new HttpError(400, "invalid_limit", `limit is "${text}"; expected 1 to ${most}`, { param: "limit" });
}
