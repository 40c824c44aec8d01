/** Whole replies of the dialects that are read in no dialect's terms: relayed as they came, or translated. */

import type { ReplyFacts } from "../dialects/chat-usage.ts";
import {
  BadReply,
  type Dialect,
  errorReply,
  parseResponse,
  type Reply,
  type ReplyContext,
  translateError,
  translateResponse,
} from "../dialects/translate/index.ts";
import { FINISH_REASONS } from "./finish-reasons.ts";
import type { Answer, Conclude } from "./held-reply.ts";

/** `context` is of the request's translation; absent where both speak one dialect. */
export interface Between {
  engine: Dialect;
  client: Dialect;
  context?: ReplyContext;
}

export function concludeAs({ engine, client, context }: Between): Conclude {
  const json = (status: number, body: object, rest: Partial<Answer>): Answer => ({
    status,
    body: Buffer.from(JSON.stringify(body)),
    facts: undefined,
    ...rest,
    headers: { "content-type": "application/json", ...rest.headers },
  });

  return (status, body) => {
    if (status >= 400) {
      if (!context) return { status, body, facts: undefined };
      const error = translateError(engine, client, { status, body: body.toString() });
      return json(error.status, error.body, { headers: error.headers });
    }
    try {
      const parsed: unknown = JSON.parse(body.toString());
      const facts = factsOf(parseResponse(engine, parsed));
      return context ? json(status, translateResponse(engine, client, parsed, context), { facts }) : { status, body, facts };
    } catch (error) {
      if (!(error instanceof BadReply || error instanceof SyntaxError)) throw error;
      const message = `the engine's reply is not JSON: ${error.message}`;
      const bad = error instanceof BadReply ? error.error : { status: 502, code: "bad_reply", message, retryable: true };
      const reply = errorReply(client, bad);
      return json(reply.status, reply.body, { headers: reply.headers, error: bad.code ?? String(bad.status) });
    }
  };
}

const factsOf = ({ id, model, usage, stop }: Reply): ReplyFacts => ({
  usage,
  finishReason: FINISH_REASONS[stop],
  id: id || undefined,
  model: model || undefined,
});
