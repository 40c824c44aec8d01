/**
 * OTLP spans as protobuf, written straight from a record: no span object, no attribute object, no JSON. The SDK and its exporter
 * took 93 µs of CPU for the two spans of a request, this takes some 5. Field numbers: opentelemetry-proto trace.proto, common.proto.
 *
 * Lengths that are not known before what they count are written as varints of a fixed width (protobuf allows the padding). Most attributes
 * are as they were in the span of the same kind before: all of that one's are copied as one piece, and what is another is written over it.
 * What the spans of one record share is a piece of its own.
 */

export interface SpanHead {
  /** 32 and 16 lower-case hex characters. */
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** OTLP's number: 1 is INTERNAL, 2 is SERVER, 3 is CLIENT. */
  kind: 1 | 2 | 3;
  /** Milliseconds since the epoch, with fractions. */
  startedAt: number;
  endedAt: number;
  /** The status message of a span that failed. */
  error: string | undefined;
}

export type AttributeValue = string | number | boolean | readonly string[] | undefined;
/**
 * Names and values in turn: a list that one loop goes through takes half of a call for each. Undefined values are left out; whole numbers are
 * int_value, others double_value.
 */
export type Attributes = readonly AttributeValue[];

export interface SpanWriter {
  /** Appends one span. @param shared what spans in a row have in common: where it is the same list as the span's before, its bytes are copied */
  write(head: SpanHead, attributes: Attributes, shared?: Attributes): void;
  /** Bytes waiting. */
  readonly bytes: number;
  /** The ExportTraceServiceRequest of what was written since the last call. */
  take(): Buffer;
  /** A request that was taken is needed no more: a later one is written where it stands, in memory that is there already. */
  giveBack(request: Buffer): void;
}

const FIRST_CAPACITY = 256 << 10;
/** A request of fewer bytes is copied and not lent. */
const MIN_LENT_BYTES = 64 << 10;
/** A field's tag and length. */
const MAX_FIELD_BYTES = 6;
/** Longest head of a span and of an attribute, whatever their texts. */
const SPAN_ROOM = 128;
const ATTRIBUTE_ROOM = 64;
/** Up to this many characters every length of an attribute fits in two bytes of varint, whatever they are in UTF-8. */
const SHORT_TEXT = 4_000;
/** Characters kept of one text. */
const MAX_TEXT = 1 << 16;
/** Up to this many characters or bytes are written one by one: a call into the runtime takes longer. */
const FEW = 64;

/**
 * The name and attributes of the last span of a kind, or what the last ones shared: where they begin and end, the bytes of the name, and of each
 * attribute its name, its value and its bytes.
 */
interface Before {
  start: number;
  end: number;
  spanName: string | undefined;
  spanNameSize: number;
  names: AttributeValue[];
  values: AttributeValue[];
  sizes: number[];
  /** How often in a row the value was another. */
  misses: number[];
}
const nothing = (): Before => ({ start: 0, end: 0, spanName: undefined, spanNameSize: 0, names: [], values: [], sizes: [], misses: [] });
/** An attribute that was another so many times in a row holds ids: to compare two of those is a call into V8's runtime, longer than to write one. */
const MAX_MISSES = 8;

/** Bytes of the lengths within an attribute. */
const widthOf = (value: NonNullable<AttributeValue>): 2 | 4 =>
  typeof value === "object" || (typeof value === "string" && value.length > SHORT_TEXT) ? 4 : 2;

/** By character code. */
const NIBBLES = Uint8Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0);

export function createSpanWriter(serviceName: string): SpanWriter {
  const keys = new Map<string, Buffer>();
  const resource = resourceOf(serviceName);
  /** Before the spans, for what frames them. */
  const frame = resource.length + 2 * MAX_FIELD_BYTES;
  let buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  let at = frame;
  /** A second one: it is written while the other is sent. */
  let spare: typeof buffer | undefined = Buffer.alloc(0);
  let lent: { request: Buffer; memory: typeof buffer } | undefined;
  /** By kind; of the spans that wait. */
  let before: Before[] = [];
  let sharedBefore = nothing();
  let lastShared: Attributes | undefined;
  /** Ids that come again at once, and where they stand: a trace's in each of its spans, a session's as its conversation's and its agent's too. */
  let lastTrace = "";
  let lastTraceAt = 0;
  let lastText = "";
  let lastTextAt = 0;
  let lastTextBytes = 0;

  function room(bytes: number): void {
    if (at + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(larger);
    buffer = larger;
  }

  function varint(value: number): void {
    while (value > 0x7f) {
      buffer[at++] = (value & 0x7f) | 0x80;
      value = Math.floor(value / 128);
    }
    buffer[at++] = value;
  }

  /** Into `width` bytes that were left free at `position`. */
  function patch(position: number, width: 2 | 4, value: number): void {
    for (let byte = 0; byte < width - 1; byte++) buffer[position + byte] = ((value >>> (7 * byte)) & 0x7f) | 0x80;
    buffer[position + width - 1] = value >>> (7 * (width - 1));
  }

  /** Digit by digit: a call into the runtime takes longer. */
  function hex(digits: string): void {
    for (let digit = 0; digit < digits.length; digit += 2) {
      buffer[at++] = ((NIBBLES[digits.charCodeAt(digit)] as number) << 4) | (NIBBLES[digits.charCodeAt(digit + 1)] as number);
    }
  }

  /** @param related it may be that of the span before: others are not compared */
  function trace(id: string, related: boolean): void {
    if (related && id === lastTrace) copy(lastTraceAt, 16);
    else {
      lastTrace = id;
      lastTraceAt = at;
      hex(id);
    }
  }

  /** Of what is written already. */
  function copy(from: number, bytes: number): void {
    if (bytes > FEW) buffer.copyWithin(at, from, from + bytes);
    else for (let index = 0; index < bytes; index++) buffer[at + index] = buffer[from + index] as number;
    at += bytes;
  }

  function textField(tag: number, whole: string): void {
    const text = whole.length > MAX_TEXT ? whole.slice(0, MAX_TEXT) : whole;
    room(text.length * 3 + ATTRIBUTE_ROOM);
    buffer[at++] = tag;
    const width = text.length <= SHORT_TEXT ? 2 : 4;
    const again = text === lastText;
    if (!again) {
      lastText = text;
      lastTextBytes = utf8(text, at + width);
    }
    patch(at, width, lastTextBytes);
    at += width;
    if (again) copy(lastTextAt, lastTextBytes);
    else {
      lastTextAt = at;
      at += lastTextBytes;
    }
  }

  /** @returns bytes written */
  function utf8(text: string, position: number): number {
    const { length } = text;
    if (length > FEW) return buffer.write(text, position);
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return buffer.write(text, position);
      buffer[position + index] = code;
    }
    return length;
  }

  function nanoseconds(ms: number): void {
    const whole = Math.floor(ms);
    const high = Math.floor(whole / 65_536) * 1e6;
    const low = (high % 65_536) * 65_536 + (whole % 65_536) * 1e6 + Math.round((ms - whole) * 1e6);
    buffer.writeUInt32LE(low % 0x1_0000_0000, at);
    buffer.writeUInt32LE(Math.floor(high / 65_536) + Math.floor(low / 0x1_0000_0000), at + 4);
    at += 8;
  }

  /** The name of a span and its attributes, over a copy of those of the one before. */
  function writeAll(last: Before, spanName: string | undefined, attributes: Attributes): void {
    const { names, values, sizes, misses, end } = last;
    const start = at;
    // Those that come again stand in one list.
    lastText = "";
    lastTextBytes = 0;
    let from = last.start;
    copyAhead(from, end);
    if (spanName === last.spanName) at += last.spanNameSize;
    else {
      if (spanName !== undefined) textField(0x2a, spanName);
      copyAhead(from + last.spanNameSize, end);
    }
    from += last.spanNameSize;
    last.spanName = spanName;
    last.spanNameSize = at - start;
    for (let index = 0, place = 0; index < attributes.length; index += 2, place++) {
      const name = attributes[index];
      const value = attributes[index + 1];
      const known = place < names.length && names[place] === name;
      const before = known ? values[place] : undefined;
      const missed = known ? (misses[place] as number) : 0;
      const size = place < sizes.length ? (sizes[place] as number) : 0;
      from += size;
      if (known && missed < MAX_MISSES && before === value) {
        misses[place] = 0;
        at += size;
        continue;
      }
      const begin = at;
      if (value !== undefined) attribute(name as string, value, known && before !== undefined && widthOf(before) === widthOf(value));
      names[place] = name;
      values[place] = value;
      sizes[place] = at - begin;
      misses[place] = known ? missed + 1 : 0;
      if (at - begin !== size) copyAhead(from, end);
    }
    last.start = start;
    last.end = at;
    const count = attributes.length / 2;
    // Each of the four is a call into the runtime, even where nothing changes.
    if (names.length !== count) names.length = values.length = sizes.length = misses.length = count;
  }

  /** What is left of the span before. */
  function copyAhead(from: number, end: number): void {
    if (from >= end) return;
    room(end - from);
    buffer.copyWithin(at, from, end);
  }

  /** @param keyed its tags and its name are there already */
  function attribute(name: string, value: NonNullable<AttributeValue>, keyed: boolean): void {
    const width = widthOf(value);
    const key = keyOf(name);
    room(ATTRIBUTE_ROOM + key.length);
    const length = at + 1;
    const any = length + width + key.length + 1;
    if (!keyed) {
      buffer[at] = 0x4a;
      key.copy(buffer, length + width);
      buffer[any - 1] = 0x12;
    }
    at = any + width;
    anyValue(value);
    patch(any, width, at - any - width);
    patch(length, width, at - length - width);
  }

  function anyValue(value: NonNullable<AttributeValue>): void {
    if (typeof value === "string") textField(0x0a, value);
    else if (typeof value === "boolean") {
      buffer[at++] = 0x10;
      buffer[at++] = value ? 1 : 0;
    } else if (typeof value === "number") {
      if (Number.isSafeInteger(value) && value >= 0) {
        buffer[at++] = 0x18;
        varint(value);
      } else {
        buffer[at++] = 0x21;
        at = buffer.writeDoubleLE(value, at);
      }
    } else {
      buffer[at++] = 0x2a;
      const array = at;
      at += 4;
      for (const text of value) {
        room(text.length * 3 + ATTRIBUTE_ROOM);
        buffer[at++] = 0x0a;
        const element = at;
        at += 4;
        textField(0x0a, text);
        patch(element, 4, at - element - 4);
      }
      patch(array, 4, at - array - 4);
    }
  }

  function keyOf(name: string): Buffer {
    let key = keys.get(name);
    if (!key) {
      const text = Buffer.from(name);
      key = Buffer.concat([Buffer.from([0x0a, text.length]), text]);
      keys.set(name, key);
    }
    return key;
  }

  return {
    write({ traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, error }, attributes, shared) {
      room(SPAN_ROOM);
      buffer[at++] = 0x12;
      const span = at;
      at += 4;
      buffer[at++] = 0x0a;
      buffer[at++] = 16;
      trace(traceId, shared !== undefined && shared === lastShared);
      buffer[at++] = 0x12;
      buffer[at++] = 8;
      hex(spanId);
      if (parentSpanId !== undefined) {
        buffer[at++] = 0x22;
        buffer[at++] = 8;
        hex(parentSpanId);
      }
      buffer[at++] = 0x30;
      buffer[at++] = kind;
      buffer[at++] = 0x39;
      nanoseconds(startedAt);
      buffer[at++] = 0x41;
      nanoseconds(endedAt);
      if (shared) writeShared(shared);
      before[kind] ??= nothing();
      writeAll(before[kind], name, attributes);
      if (error !== undefined) status(error);
      patch(span, 4, at - span - 4);
    },
    get bytes() {
      return at - frame;
    },
    take() {
      const request = framed();
      before = [];
      sharedBefore = nothing();
      lastShared = undefined;
      lastTrace = "";
      at = frame;
      // A copy of many spans takes as long as writing them: memory that is new is mapped page by page.
      if (!spare || request.length < MIN_LENT_BYTES) return Buffer.from(request);
      lent = { request, memory: buffer };
      buffer = spare.length === buffer.length ? spare : Buffer.allocUnsafeSlow(buffer.length);
      spare = undefined;
      return request;
    },
    giveBack(request) {
      if (request !== lent?.request) return;
      spare = lent.memory;
      lent = undefined;
    },
  };

  function framed(): Buffer {
    const scopeSpans = field(0x12, at - frame);
    const resourceSpans = field(0x0a, resource.length + scopeSpans.length + at - frame);
    const head = Buffer.concat([resourceSpans, resource, scopeSpans]);
    head.copy(buffer, frame - head.length);
    return buffer.subarray(frame - head.length, at);
  }

  function writeShared(shared: Attributes): void {
    if (shared !== lastShared) {
      writeAll(sharedBefore, undefined, shared);
      lastShared = shared;
      return;
    }
    const { start, end } = sharedBefore;
    room(end - start);
    buffer.copyWithin(at, start, end);
    at += end - start;
  }

  function status(message: string): void {
    room(message.length * 3 + ATTRIBUTE_ROOM);
    buffer[at++] = 0x7a;
    const start = at;
    at += 4;
    textField(0x12, message);
    buffer[at++] = 0x18;
    buffer[at++] = 2;
    patch(start, 4, at - start - 4);
  }
}

/** A field's tag and length. */
function field(tag: number, length: number): Buffer {
  const bytes = [tag];
  for (; length > 0x7f; length = Math.floor(length / 128)) bytes.push((length & 0x7f) | 0x80);
  return Buffer.from([...bytes, length]);
}

function resourceOf(serviceName: string): Buffer {
  const within = (tag: number, content: Buffer) => Buffer.concat([field(tag, content.length), content]);
  const value = within(0x12, within(0x0a, Buffer.from(serviceName)));
  return within(0x0a, within(0x0a, Buffer.concat([within(0x0a, Buffer.from("service.name")), value])));
}
