/** Fields of a request that no translation can honour. */

import { type Field, FieldError } from "./field.ts";

/** @param refused field → why. @throws FieldError for the first field that is present and has a reason against it */
export function refuse(body: Field, refused: Record<string, string>): void {
  for (const [key, reason] of Object.entries(refused)) {
    const field = body.get(key);
    if (field.present && !isEmpty(field.value)) throw new FieldError(field.path, reason);
  }
}

const isEmpty = (value: unknown) => value === false || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
