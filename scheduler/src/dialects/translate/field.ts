/** Reading JSON whose shape is not known, with the place of the mistake in every error. */

import { tokenCount } from "../token-count.ts";

/** `field` says where (`messages[2].content[0].type`), `reason` what is wrong there. */
export class FieldError extends Error {
  readonly field: string;
  readonly reason: string;

  constructor(field: string, reason: string) {
    super(field === "" ? `the body ${reason}` : `${field} ${reason}`);
    this.field = field;
    this.reason = reason;
  }
}

/** A JSON value and its path. `null` counts as absent, as it does in all three dialects. */
export class Field {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path = "") {
    this.value = value;
    this.path = path;
  }

  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** A member of an object; absent where this is no object. */
  get(key: string): Field {
    const value = isObject(this.value) ? this.value[key] : undefined;
    return new Field(value, this.path === "" ? key : `${this.path}.${key}`);
  }

  /** The names of the members that are present. */
  keys(): string[] {
    return Object.entries(this.object()).flatMap(([key, value]) => (value === undefined || value === null ? [] : [key]));
  }

  object(): Record<string, unknown> {
    return isObject(this.value) ? this.value : this.fail("must be an object");
  }

  items(): Field[] {
    if (!Array.isArray(this.value)) return this.fail("must be an array");
    return this.value.map((item, index) => new Field(item, `${this.path}[${index}]`));
  }

  string(): string {
    return typeof this.value === "string" ? this.value : this.fail("must be a string");
  }

  number(): number {
    return typeof this.value === "number" && Number.isFinite(this.value) ? this.value : this.fail("must be a number");
  }

  boolean(): boolean {
    return typeof this.value === "boolean" ? this.value : this.fail("must be true or false");
  }

  /** One of the given strings. */
  oneOf<T extends string>(values: readonly T[]): T {
    const found = values.find((value) => value === this.value);
    return found ?? this.fail(`must be one of ${values.join(", ")}`);
  }

  /** Reads it where it is present: `field.get("seed").optional("number")`. */
  optional(kind: "string"): string | undefined;
  optional(kind: "number"): number | undefined;
  optional(kind: "boolean"): boolean | undefined;
  optional(kind: "string" | "number" | "boolean"): string | number | boolean | undefined {
    return this.present ? this[kind]() : undefined;
  }

  /** A count of tokens; undefined for what is none. */
  tokens(): number | undefined {
    return tokenCount(this.value);
  }

  optionalItems(): Field[] {
    return this.present ? this.items() : [];
  }

  /** @throws FieldError */
  fail(reason: string): never {
    throw new FieldError(this.path, reason);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object without its members that are undefined, so that JSON and equality see none of them. */
export function compact<T extends object>(object: T): T {
  for (const key of Object.keys(object) as (keyof T)[]) if (object[key] === undefined) delete object[key];
  return object;
}
