import {
  type Attributes,
  type AttributeValue,
  DEEPER,
  type Id,
  KeyValueList,
  MAX_VALUE_DEPTH,
  MalformedBody,
  type Moment,
} from "./traces.ts";

const MAX_NANOSECONDS = 2n ** 64n;

// What the requests of traces and of logs have in common in JSON. Each throws MalformedBody with the field's name.

export type JsonObject = Record<string, unknown>;

/** The body as one JSON object. */
export function parseBody(body: Buffer): JsonObject {
  try {
    return object(JSON.parse(body.toString("utf8")), "the body");
  } catch (error) {
    if (error instanceof MalformedBody) throw error;
    throw new MalformedBody(`the body is not JSON: ${(error as Error).message}`);
  }
}

export function attributes(value: unknown, depth: number): Attributes {
  const flat: Attributes = [];
  for (const item of list(value, "attributes")) {
    const pair = object(item, "attributes[]");
    flat.push(text(pair.key, "attribute key"), anyValue(pair.value, depth));
  }
  return flat;
}

export function anyValue(value: unknown, depth: number): AttributeValue {
  if (value == null) return null;
  if (depth > MAX_VALUE_DEPTH) return DEEPER;
  const from = object(value, "attribute value");
  if (from.stringValue != null) return text(from.stringValue, "stringValue");
  if (from.intValue != null) return int64(from.intValue);
  if (from.doubleValue != null) return double(from.doubleValue);
  if (from.boolValue != null) return from.boolValue === true || from.boolValue === "true";
  if (from.arrayValue != null) {
    return list(object(from.arrayValue, "arrayValue").values, "arrayValue.values").map((element) => anyValue(element, depth + 1));
  }
  if (from.kvlistValue != null) {
    const map = new KeyValueList();
    map.entries.push(...attributes(object(from.kvlistValue, "kvlistValue").values, depth + 1));
    return map;
  }
  if (from.bytesValue != null) return Buffer.from(text(from.bytesValue, "bytesValue"), "base64");
  return null;
}

export function object(value: unknown, field: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new MalformedBody(`${field} is not an object`);
  return value as JsonObject;
}

export function list(value: unknown, field: string): unknown[] {
  if (value == null) return [];
  if (!Array.isArray(value)) throw new MalformedBody(`${field} is not an array`);
  return value;
}

export function text(value: unknown, field: string): string {
  if (value == null) return "";
  if (typeof value !== "string") throw new MalformedBody(`${field} is not a string`);
  return value;
}

/** A wrong length is the span's own fault and loses that span only: null, as the protobuf decoder says it. */
export function id(value: unknown, digits: number, field: string): Id {
  const hex = text(value, field);
  if (hex === "") return "";
  return hex.length === digits && /^[0-9a-f]+$/i.test(hex) ? hex.toLowerCase() : null;
}

function int64(value: unknown): number | bigint {
  if (typeof value === "number" && Number.isInteger(value)) return Number.isSafeInteger(value) ? value : BigInt.asIntN(64, BigInt(value));
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) throw new MalformedBody("intValue is not a 64-bit integer");
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt.asIntN(64, BigInt(value));
}

function double(value: unknown): number {
  if (typeof value === "number") return value;
  // the JSON mapping of protobuf writes what JSON has no number for as a string
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
  if (Number.isNaN(number)) throw new MalformedBody("doubleValue is not a number");
  return number;
}

export function enumeration(value: unknown, names: string[], field: string): number {
  if (value == null) return 0;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  const index = typeof value === "string" ? names.indexOf(value) : -1;
  if (index < 0) throw new MalformedBody(`${field} is neither a number nor a known name`);
  return index;
}

export function moment(value: unknown, field: string): Moment {
  if (value == null || value === "") return { micros: 0, nanos: 0 };
  const isNumber = typeof value === "number" && Number.isInteger(value) && value >= 0;
  const digits = isNumber ? BigInt(value).toString() : value;
  if (typeof digits !== "string" || !/^\d{1,20}$/.test(digits) || (digits.length > 19 && BigInt(digits) >= MAX_NANOSECONDS)) {
    throw new MalformedBody(`${field} is not a count of nanoseconds`);
  }
  return { micros: Number(digits.slice(0, -3)), nanos: Number(digits.slice(-3)) };
}
