import type { Interned, ProtobufReader } from "./protobuf-reader.ts";
import { type Attributes, type AttributeValue, DEEPER, type Id, KeyValueList, MAX_VALUE_DEPTH, MalformedBody } from "./traces.ts";

// Fields are matched by their whole tag, `number << 3 | wire type`: a known number with another wire type is skipped as unknown.
export const bytesField = (number: number) => (number << 3) | 2;
export const varintField = (number: number) => number << 3;
export const fixed64Field = (number: number) => (number << 3) | 1;

const RESOURCE_ATTRIBUTES = bytesField(1);
const SCOPE_NAME = bytesField(1);
const SCOPE_VERSION = bytesField(2);
const KEY = bytesField(1);
const VALUE = bytesField(2);
const STRING_VALUE = bytesField(1);
const BOOL_VALUE = varintField(2);
const INT_VALUE = varintField(3);
const DOUBLE_VALUE = fixed64Field(4);
const ARRAY_VALUE = bytesField(5);
const KVLIST_VALUE = bytesField(6);
const BYTES_VALUE = bytesField(7);
const LIST_ELEMENT = bytesField(1);

// What the messages of traces and of logs have in common. Each function reads one message up to `end`.

export function resource(reader: ProtobufReader, end: number, attributes: Attributes): void {
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === RESOURCE_ATTRIBUTES) keyValue(reader, reader.lengthDelimited(end), attributes, 0);
    else reader.skip(tag, end);
  }
  finished(reader, end, attributes);
}

export function scope(reader: ProtobufReader, end: number, into: { name: string; version: string }): void {
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === SCOPE_NAME) into.name = reader.internedText(reader.lengthDelimited(end));
    else if (tag === SCOPE_VERSION) into.version = reader.internedText(reader.lengthDelimited(end));
    else reader.skip(tag, end);
  }
  finished(reader, end, into);
}

export function keyValue(reader: ProtobufReader, end: number, into: Attributes, depth: number): void {
  let key = "";
  let name: Interned | null = null;
  let value: AttributeValue = null;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === KEY) {
      key = reader.internedText(reader.lengthDelimited(end));
      name = reader.lastInterned;
    } else if (tag === VALUE) value = anyValue(reader, reader.lengthDelimited(end), depth, value, name);
    else reader.skip(tag, end);
  }
  finished(reader, end, into);
  into.push(key, value);
}

/** `before`: what the same field said before. A message that comes twice is one, and lists in it go on. `name`: of the attribute. */
export function anyValue(
  reader: ProtobufReader,
  end: number,
  depth: number,
  before: AttributeValue = null,
  name: Interned | null = null,
): AttributeValue {
  if (depth > MAX_VALUE_DEPTH) {
    reader.position = end;
    return DEEPER;
  }
  let value = before;
  while (reader.position < end) {
    const tag = reader.tag();
    switch (tag) {
      case STRING_VALUE:
        value = name === null ? reader.text(reader.lengthDelimited(end)) : reader.textOf(name, reader.lengthDelimited(end));
        break;
      case INT_VALUE:
        value = reader.int64();
        break;
      case BOOL_VALUE:
        value = reader.varint() !== 0;
        break;
      case DOUBLE_VALUE:
        value = reader.double(end);
        break;
      case ARRAY_VALUE:
        value = arrayValue(reader, reader.lengthDelimited(end), depth + 1, Array.isArray(value) ? value : []);
        break;
      case KVLIST_VALUE:
        value = kvlistValue(reader, reader.lengthDelimited(end), depth + 1, value instanceof KeyValueList ? value : new KeyValueList());
        break;
      case BYTES_VALUE:
        value = reader.copy(reader.lengthDelimited(end));
        break;
      default:
        reader.skip(tag, end);
    }
  }
  return finished(reader, end, value);
}

function arrayValue(reader: ProtobufReader, end: number, depth: number, values: AttributeValue[]): AttributeValue[] {
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === LIST_ELEMENT) values.push(anyValue(reader, reader.lengthDelimited(end), depth));
    else reader.skip(tag, end);
  }
  return finished(reader, end, values);
}

function kvlistValue(reader: ProtobufReader, end: number, depth: number, list: KeyValueList): KeyValueList {
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === LIST_ELEMENT) keyValue(reader, reader.lengthDelimited(end), list.entries, depth);
    else reader.skip(tag, end);
  }
  return finished(reader, end, list);
}

export function traceId(reader: ProtobufReader, end: number): Id {
  const length = end - reader.position;
  if (length === 16) return reader.hexAgain(16, reader.lastTrace);
  reader.position = end;
  return length === 0 ? "" : null;
}

export function spanId(reader: ProtobufReader, end: number): Id {
  const length = end - reader.position;
  if (length === 8) return reader.hex8();
  reader.position = end;
  return length === 0 ? "" : null;
}

export function parentSpanId(reader: ProtobufReader, end: number): Id {
  return end - reader.position === 8 ? reader.hexAgain(8, reader.lastParent) : spanId(reader, end);
}

/** Walks a message up to `end`: stands at the start of each `field`, which the caller reads, and gives its end; skips all others. */
export function* fields(reader: ProtobufReader, field: number, end: number): Generator<number> {
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === field) yield reader.lengthDelimited(end);
    else reader.skip(tag, end);
  }
  finished(reader, end, undefined);
}

/** A message whose last field ran over its end is malformed. */
export function finished<T>(reader: ProtobufReader, end: number, result: T): T {
  if (reader.position !== end) throw new MalformedBody("a field is longer than its message");
  return result;
}
