/** A reply of one body: held until it is whole, so that its cost stands in a header before it. */

import { ResponseHeader } from "@signalbox/otel/conventions";
import { readReply } from "../dialects/chat-usage.ts";
import type { Call } from "./call.ts";
import { replyHeaders } from "./headers.ts";
import type { Reply } from "./reply.ts";
import { ReplyTooLarge } from "./reply.ts";
import type { OpenAttempt } from "./settle.ts";

/** Beyond this an engine's JSON is not a completion. */
const MAX_HELD_BYTES = 64 << 20;

export function createHeldReply(
  call: Call,
  attempt: OpenAttempt,
  status: number,
  headers: Record<string, string | string[] | undefined>,
): Reply {
  const { response, record } = call;
  const chunks: Buffer[] = [];
  let length = 0;

  return {
    data(chunk) {
      length += chunk.length;
      if (length > MAX_HELD_BYTES) throw new ReplyTooLarge(MAX_HELD_BYTES);
      chunks.push(chunk);
      return true;
    },
    end() {
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length);
      const facts = status < 400 ? readReply(body.toString()) : undefined;
      // A refused request took no tokens.
      const estimate = status < 400 ? undefined : { input: 0, output: 0, cacheRead: 0, reasoning: 0 };
      attempt.settle({ status, error: status < 400 ? undefined : String(status), facts, estimate });
      const reply = replyHeaders(headers, record, attempt.record);
      reply["content-length"] = String(length);
      reply[ResponseHeader.slaMet] = String(record.slaMet);
      if (attempt.record.costNanousd !== undefined) reply[ResponseHeader.costNanousd] = String(attempt.record.costNanousd);
      response.writeHead(status, reply);
      response.end(body);
    },
    fail: undefined,
  };
}
