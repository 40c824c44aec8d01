/** A reply of one body: held until it is whole, so that its cost stands in a header before it. */

import { ResponseHeader } from "@signalbox/otel/conventions";
import { type ReplyFacts, readReply } from "../dialects/chat-usage.ts";
import type { Call } from "./call.ts";
import { replyHeaders } from "./headers.ts";
import type { Reply } from "./reply.ts";
import { ReplyTooLarge } from "./reply.ts";
import type { OpenAttempt } from "./settle.ts";

/** Beyond this an engine's JSON is not a completion. */
const MAX_HELD_BYTES = 64 << 20;

/** What the client gets of an engine's whole answer, and what is recorded of it. */
export interface Answer {
  status: number;
  body: Buffer;
  facts: ReplyFacts | undefined;
  /** Of its own, over the engine's. */
  headers?: Record<string, string>;
  /** The engine said that all is well, and it is not. */
  error?: string;
}

export type Conclude = (status: number, body: Buffer) => Answer;

/** Chat completions: the bytes as they came. */
export const concludeChat: Conclude = (status, body) => ({
  status,
  body,
  facts: status < 400 ? readReply(body.toString()) : undefined,
});

export function createHeldReply(
  call: Call,
  attempt: OpenAttempt,
  status: number,
  headers: Record<string, string | string[] | undefined>,
  conclude: Conclude = concludeChat,
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
      const answer = conclude(status, chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
      const { facts, body, error = status < 400 ? undefined : String(status) } = answer;
      // A refused request took no tokens.
      const estimate = status < 400 ? undefined : { input: 0, output: 0, cacheRead: 0, reasoning: 0 };
      attempt.settle({ status, error, facts, estimate });
      const reply = Object.assign(replyHeaders(headers, record, attempt.record), answer.headers);
      reply["content-length"] = String(body.length);
      reply[ResponseHeader.slaMet] = String(record.slaMet);
      if (attempt.record.costNanousd !== undefined) reply[ResponseHeader.costNanousd] = String(attempt.record.costNanousd);
      response.writeHead(answer.status, reply);
      response.end(body);
    },
    fail: undefined,
  };
}
