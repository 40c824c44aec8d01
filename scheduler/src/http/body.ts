/** Reads a request's body up to a limit. */

import { badRequest, HttpError } from "./errors.ts";
import type { ClientRequest } from "./messages.ts";
import { WireRequest } from "./wire/request.ts";

/**
 * A promise only where bytes are still to come: most bodies came with their head.
 * @throws HttpError 413 beyond `limit` bytes, 415 for a compressed body, 400 where the client breaks off; or the promise is rejected with it
 */
export function readBody(request: ClientRequest, limit: number): Buffer | Promise<Buffer> {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw new HttpError(415, null, `content-encoding ${encoding} is not taken: send the body uncompressed`);
  }
  // A larger one is no request of the hot path.
  if (request instanceof WireRequest) return request.body(broken);
  const tooLarge = () => new HttpError(413, "request_too_large", `the body is larger than ${limit} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge();

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge());
      }
    });
    request.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length)));
    request.on("error", reject);
    request.on("close", () => {
      if (!request.complete) reject(broken());
    });
  });
}

const broken = () => badRequest("the request broke off");
