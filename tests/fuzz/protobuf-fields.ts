/** Mutations that keep protobuf whole: one field, at any depth, is changed, and the lengths around it are put right. */
type Next = () => number;

interface Field {
  tag: number;
  /** what follows the tag, without a length */
  payload: Buffer;
}

const MAX_DEPTH = 12;
const below = (next: Next, limit: number) => Math.floor(next() * limit);

/** Varints at the edges: of 7, 32, 53, 63 and 64 bits, and one with needless bytes. */
const VARINTS = [
  "00",
  "01",
  "7f",
  "8001",
  "ffffffff07",
  "8080808008",
  "ffffffff0f",
  "ffffffffffffff0f",
  "8080808080808010",
  "ffffffffffffffff7f",
  "80808080808080808001",
  "ffffffffffffffffff01",
  "818000",
].map((hex) => Buffer.from(hex, "hex"));

/** Null where the bytes are no fields, or groups: then they are taken for text. */
function read(body: Buffer): Field[] | null {
  const fields: Field[] = [];
  for (let at = 0; at < body.length; ) {
    const tag = varint(body, at);
    if (tag === null || tag.value < 8) return null;
    at = tag.end;
    const wire = tag.value & 7;
    let end: number;
    if (wire === 0) end = varint(body, at)?.end ?? Number.NaN;
    else if (wire === 1) end = at + 8;
    else if (wire === 5) end = at + 4;
    else if (wire === 2) {
      const length = varint(body, at);
      if (length === null) return null;
      at = length.end;
      end = at + length.value;
    } else return null;
    if (!(end <= body.length)) return null;
    fields.push({ tag: tag.value, payload: body.subarray(at, end) });
    at = end;
  }
  return fields;
}

function write(fields: Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ tag, payload }) => ((tag & 7) === 2 ? [bytesOf(tag), bytesOf(payload.length), payload] : [bytesOf(tag), payload])),
  );
}

function varint(body: Buffer, start: number): { value: number; end: number } | null {
  let value = 0;
  for (let at = start, scale = 1; at < Math.min(body.length, start + 10); at++, scale *= 128) {
    const byte = body[at] as number;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
  }
  return null;
}

function bytesOf(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

/** `other` is a message to take fields from. */
export function mutateField(body: Buffer, next: Next, other: Buffer, depth = 0): Buffer {
  const fields = read(body);
  if (fields === null || fields.length === 0) return body;
  const index = below(next, fields.length);
  const field = fields[index] as Field;
  const inner = (field.tag & 7) === 2 && depth < MAX_DEPTH ? read(field.payload) : null;
  if (inner !== null && inner.length > 0 && next() < 0.8) {
    fields[index] = { ...field, payload: mutateField(field.payload, next, other, depth + 1) };
    return write(fields);
  }
  fields.splice(index, 1, ...changed(field, next, other));
  return write(fields);
}

function changed(field: Field, next: Next, other: Buffer): Field[] {
  const wire = field.tag & 7;
  switch (below(next, 6)) {
    case 0:
      return [];
    case 1:
      return [field, field];
    case 2:
      return [{ tag: (1 + below(next, 16)) * 8 + wire, payload: field.payload }];
    case 3:
      return [field, ...(read(other) ?? []).slice(0, 2)];
    case 4:
      return [field, { tag: (1 + below(next, 16)) * 8, payload: VARINTS[below(next, VARINTS.length)] as Buffer }];
    default: {
      if (wire === 0) return [{ ...field, payload: VARINTS[below(next, VARINTS.length)] as Buffer }];
      const payload = Buffer.from(field.payload);
      if (payload.length > 0) payload[below(next, payload.length)] = below(next, 256);
      return [{ ...field, payload }];
    }
  }
}
