/** Fields that every dialect's request has, and how the others are read. */

import { badRequest } from "../http/errors.ts";
import { parse, scan } from "./chat-request.ts";
import type { ByteSpan } from "./json-scan.ts";

export interface RequestFields {
  fields: ReadonlyMap<string, ByteSpan>;
  model: string;
  stream: boolean;
  /** A field's value, undefined where it is absent. @throws HttpError 400 */
  read(name: string): unknown;
  /** A number that is not negative; null is absent. @throws HttpError 400 */
  count(name: string): number | undefined;
}

/** @throws HttpError 400 naming the field */
export function readFields(body: Buffer): RequestFields {
  const fields = scan(body);
  const read = (name: string): unknown => {
    const span = fields.get(name);
    return span && parse(body, span, name);
  };
  const model = read("model");
  if (typeof model !== "string" || model === "") throw badRequest("you must provide a model", "model");
  const stream = read("stream") ?? false;
  if (typeof stream !== "boolean") throw badRequest("stream must be a boolean", "stream");
  return {
    fields,
    model,
    stream,
    read,
    count(name) {
      const value = read(name) ?? undefined;
      if (value !== undefined && (typeof value !== "number" || value < 0)) throw badRequest(`${name} must be a number`, name);
      return value;
    },
  };
}
