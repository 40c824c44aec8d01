import type { IncomingMessage } from "node:http";
import { BadCompression, BodyTooLarge, COMPRESSIONS, decompress, isCompression } from "./compression.ts";

/** A refusal of one request, with the HTTP status that says so. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Reads a whole body and undoes its content-encoding. `maxBytes` bounds it before and after decompression.
 * @throws Refusal 413 when it is too large, 400 for an encoding that is unknown or broken, and what `arrived` throws.
 */
export async function readBody(request: IncomingMessage, maxBytes: number, arrived: (bytes: number) => void = () => {}): Promise<Buffer> {
  const encoding = request.headers["content-encoding"]?.trim().toLowerCase() || "identity";
  if (encoding !== "identity" && !isCompression(encoding)) {
    throw new Refusal(400, `content-encoding ${encoding} is not supported: send ${COMPRESSIONS.join(", ")} or none`);
  }
  try {
    const body = await collect(request, maxBytes, arrived);
    return encoding === "identity" ? body : await decompress(body, encoding, maxBytes);
  } catch (error) {
    if (error instanceof BodyTooLarge) throw new Refusal(413, error.message, { connection: "close" });
    if (error instanceof BadCompression) throw new Refusal(400, error.message);
    throw error;
  }
}

/** By events, not by iteration: leaving a loop over the request would close the socket before the refusal is sent. */
function collect(request: IncomingMessage, maxBytes: number, arrived: (bytes: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let isRefused = false;
    const refuse = (error: unknown) => {
      isRefused = true;
      chunks.length = 0;
      reject(error);
    };
    request.on("data", (chunk: Buffer) => {
      // of what is refused the rest is read and forgotten, so that the client gets to read the answer
      if (isRefused) return;
      length += chunk.length;
      if (length > maxBytes) return refuse(new BodyTooLarge(maxBytes));
      try {
        arrived(chunk.length);
      } catch (error) {
        return refuse(error);
      }
      chunks.push(chunk);
    });
    const cut = () => reject(new Refusal(400, "the request ended before its body did"));
    request.once("end", () => {
      // an error that nobody hears of takes as long as forty spans
      request.off("close", cut);
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    request.once("error", cut);
    request.once("close", cut);
    // while it waited
    if (request.destroyed) cut();
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) refuse(new BodyTooLarge(maxBytes));
  });
}
