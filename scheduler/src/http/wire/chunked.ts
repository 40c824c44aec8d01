/** Bodies in chunks (RFC 9112, 7.1). */

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** A chunk's size with its extensions, or a trailer. */
const MAX_LINE = 4096;
const MAX_TRAILERS = 64;
const SIZE = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r$/;
const TRAILER = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r$/;

/** Of a size that is read as a small number. */
const MAX_PLAIN_DIGITS = 6;

/** -1 for what is none. */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

export class ChunkError extends Error {}

/** Reads one body; extensions and trailers are passed over. */
export class ChunkReader {
  /** Bytes of the body met the end, and these of what was pushed were left over. */
  left: Buffer | undefined;
  #state: "size" | "data" | "data-end" | "trailers" = "size";
  #missing = 0;
  #line = "";
  #trailers = 0;

  /**
   * @returns what of the body was in it, as one piece; undefined where nothing was
   * @throws ChunkError
   */
  push(bytes: Buffer): Buffer | undefined {
    let piece: Buffer | undefined;
    let pieces: Buffer[] | undefined;
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "data") {
        const end = Math.min(bytes.length, at + this.#missing);
        const data = bytes.subarray(at, end);
        if (!piece) piece = data;
        else if (pieces) pieces.push(data);
        else pieces = [piece, data];
        this.#missing -= end - at;
        at = end;
        if (this.#missing === 0) this.#state = "data-end";
        continue;
      }
      const plain = this.#line === "" ? this.#plainLine(bytes, at) : at;
      if (plain > at) {
        at = plain;
        continue;
      }
      const feed = bytes.indexOf(LINE_FEED, at);
      this.#line += bytes.toString("latin1", at, feed < 0 ? bytes.length : feed);
      if (this.#line.length > MAX_LINE) throw new ChunkError("a line between chunks is too long");
      if (feed < 0) break;
      at = feed + 1;
      const line = this.#line;
      this.#line = "";
      if (this.#ends(line)) {
        this.left = bytes.subarray(at);
        break;
      }
    }
    return pieces ? Buffer.concat(pieces) : piece;
  }

  /** Most lines are a size alone, or the end of a chunk: these are read without a text. @returns where the next one begins; `at` for any other */
  #plainLine(bytes: Buffer, at: number): number {
    let end = at;
    let size = 0;
    if (this.#state === "size") {
      for (let digit = hexDigit(bytes[end]); digit >= 0 && end - at < MAX_PLAIN_DIGITS; digit = hexDigit(bytes[++end]))
        size = size * 16 + digit;
      if (size === 0) return at;
    } else if (this.#state !== "data-end") return at;
    if (bytes[end] !== CARRIAGE_RETURN || bytes[end + 1] !== LINE_FEED) return at;
    this.#missing = size;
    this.#state = size === 0 ? "size" : "data";
    return end + 2;
  }

  /** A line without its line feed. @returns true for the last one */
  #ends(line: string): boolean {
    if (this.#state === "size") {
      const size = SIZE.exec(line)?.[1];
      if (size === undefined) throw new ChunkError("a chunk does not begin with its size");
      this.#missing = Number.parseInt(size, 16);
      this.#state = this.#missing === 0 ? "trailers" : "data";
      return false;
    }
    if (this.#state === "data-end") {
      if (line !== "\r") throw new ChunkError("a chunk is longer than its size");
      this.#state = "size";
      return false;
    }
    if (line === "\r") return true;
    if (!TRAILER.test(line) || ++this.#trailers > MAX_TRAILERS) throw new ChunkError("a trailer is malformed");
    return false;
  }
}
