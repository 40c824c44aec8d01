import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";

const DECOMPRESS = { gzip: promisify(gunzip), zstd: promisify(zstdDecompress) };

export type Compression = keyof typeof DECOMPRESS;

/** What a client may be told that it can send. */
export const COMPRESSIONS = Object.keys(DECOMPRESS) as Compression[];

export const isCompression = (name: string): name is Compression => Object.hasOwn(DECOMPRESS, name);

/** The body is not what its encoding says. */
export class BadCompression extends Error {
  constructor(compression: Compression, cause: Error) {
    super(`the body is not ${compression}: ${cause.message}`);
    this.name = "BadCompression";
  }
}

/** The body is, or becomes, larger than is allowed. */
export class BodyTooLarge extends Error {
  constructor(maxBytes: number) {
    super(`the body is larger than ${maxBytes} bytes: send smaller batches`);
    this.name = "BodyTooLarge";
  }
}

/** @throws BodyTooLarge as soon as the output passes `maxBytes`, so that a bomb costs no more than that; BadCompression. */
export async function decompress(body: Buffer, compression: Compression, maxBytes: number): Promise<Buffer> {
  try {
    return await DECOMPRESS[compression](body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw new BodyTooLarge(maxBytes);
    throw new BadCompression(compression, error as Error);
  }
}
