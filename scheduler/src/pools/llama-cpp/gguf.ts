/** A writer for GGUF v3 files: metadata, then F32 tensors. Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */

const VERSION = 3;
const ALIGNMENT = 32;
const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_F32 = 0;

export type MetadataValue =
  | { u32: number }
  | { f32: number }
  | { bool: boolean }
  | { string: string }
  | { strings: readonly string[] }
  | { f32s: readonly number[] }
  | { i32s: readonly number[] };

export interface Tensor {
  name: string;
  /** Fastest dimension first, as ggml counts them. */
  dimensions: readonly number[];
  /** The value at (row, column); a row has `dimensions[0]` columns. */
  fill: (row: number, column: number) => number;
}

/** The whole file. Throws nothing; the caller checks that dimensions fit the architecture. */
export function encodeGguf(metadata: Readonly<Record<string, MetadataValue>>, tensors: readonly Tensor[]): Buffer {
  const header = new ByteWriter();
  header.bytes(Buffer.from("GGUF")).u32(VERSION).u64(tensors.length).u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) header.string(key).value(value);

  let offset = 0;
  for (const { name, dimensions } of tensors) {
    header.string(name).u32(dimensions.length);
    for (const dimension of dimensions) header.u64(dimension);
    header.u32(TENSOR_F32).u64(offset);
    offset += aligned(4 * elements(dimensions));
  }
  header.bytes(Buffer.alloc(aligned(header.length) - header.length));
  return Buffer.concat([...header.parts, ...tensors.map(tensorBytes)]);
}

const elements = (dimensions: readonly number[]) => dimensions.reduce((product, dimension) => product * dimension, 1);
const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function tensorBytes({ dimensions, fill }: Tensor): Buffer {
  const columns = dimensions[0] ?? 1;
  const count = elements(dimensions);
  const values = new Float32Array(aligned(4 * count) / 4);
  for (let index = 0; index < count; index++) values[index] = fill(Math.floor(index / columns), index % columns);
  return Buffer.from(values.buffer);
}

class ByteWriter {
  readonly parts: Buffer[] = [];
  length = 0;

  bytes(part: Buffer): this {
    this.parts.push(part);
    this.length += part.length;
    return this;
  }
  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    return this.bytes(part);
  }
  u64(value: number): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    return this.bytes(part);
  }
  f32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeFloatLE(value);
    return this.bytes(part);
  }
  string(value: string): this {
    const part = Buffer.from(value);
    return this.u64(part.length).bytes(part);
  }
  value(value: MetadataValue): this {
    if ("u32" in value) return this.u32(TYPE.u32).u32(value.u32);
    if ("f32" in value) return this.u32(TYPE.f32).f32(value.f32);
    if ("bool" in value) return this.u32(TYPE.bool).bytes(Buffer.from([value.bool ? 1 : 0]));
    if ("string" in value) return this.u32(TYPE.string).string(value.string);
    if ("strings" in value) return this.array(TYPE.string, value.strings, (item) => this.string(item));
    if ("f32s" in value) return this.array(TYPE.f32, value.f32s, (item) => this.f32(item));
    return this.array(TYPE.i32, value.i32s, (item) => this.u32(item));
  }
  array<T>(type: number, items: readonly T[], write: (item: T) => void): this {
    this.u32(TYPE.array).u32(type).u64(items.length);
    for (const item of items) write(item);
    return this;
  }
}
