/** A stream of server-sent events that is read in no dialect's terms: passed on as it comes, or translated piece by piece. */

import { createStreamListener, createStreamTranslator } from "../dialects/translate/index.ts";
import type { Call } from "./call.ts";
import type { Between } from "./dialect-held.ts";
import { replyHeaders } from "./headers.ts";
import type { Reply } from "./reply.ts";
import type { OpenAttempt } from "./settle.ts";
import { streamError } from "./stream-error.ts";
import { StreamFacts } from "./stream-facts.ts";

const CHAT_END = Buffer.from("data: [DONE]\n\n");

export function createDialectStream(
  between: Between,
  call: Call,
  attempt: OpenAttempt,
  status: number,
  headers: Record<string, string | string[] | undefined>,
): Reply {
  const { response, record } = call;
  const facts = new StreamFacts();
  const through = passage(between, facts);
  response.writeHead(status, replyHeaders(headers, record, attempt.record));
  response.flushHeaders();

  const settle = (error: string | undefined) => {
    const estimate = facts.estimate(Math.ceil(call.chat.promptBytes / attempt.offer.speed.bytesPerToken));
    attempt.settle({ status, error, facts, estimate });
  };

  function finish(last: Buffer): void {
    settle(facts.error && (facts.error.code ?? String(facts.error.status)));
    const { costNanousd } = attempt.record;
    const cost = Buffer.from(`: signalbox cost_nanousd=${costNanousd ?? "unknown"} sla_met=${record.slaMet}\n\n`);
    // Chat clients stop reading at [DONE].
    const end = last.subarray(-CHAT_END.length).equals(CHAT_END) ? last.length - CHAT_END.length : last.length;
    response.end(Buffer.concat([last.subarray(0, end), cost, last.subarray(end)]));
  }

  function pass(bytes: Buffer): boolean {
    if (facts.sawContent) attempt.firstChunk();
    // Whoever has the last event may leave at once: by then the call is settled.
    if (facts.ended) finish(bytes);
    else if (bytes.length > 0) return response.write(bytes);
    return true;
  }

  return {
    data: (chunk) => response.writableEnded || pass(through.push(chunk)),
    end() {
      if (response.writableEnded) return;
      pass(through.end());
      if (!response.writableEnded) finish(Buffer.alloc(0));
    },
    fail(error, message) {
      // Whatever follows the last event is no longer the client's business.
      if (response.writableEnded) return;
      settle(error);
      if (call.gone && !call.stopped) return;
      const { stopped } = call;
      response.end(streamError(between.client, { status: stopped?.status ?? 502, code: error, message, retryable: !stopped }));
    },
  };
}

interface Passage {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

function passage({ engine, client, context }: Between, facts: StreamFacts): Passage {
  if (context) {
    const translator = createStreamTranslator(engine, client, { context, observe: (event) => facts.see(event) });
    return { push: (chunk) => Buffer.concat(translator.push(chunk)), end: () => Buffer.concat(translator.end()) };
  }
  const listener = createStreamListener(engine);
  return {
    push(chunk) {
      for (const event of listener.push(chunk)) facts.see(event);
      return chunk;
    },
    end() {
      for (const event of listener.end()) facts.see(event);
      // Cut short, and without a word of the engine's own that says so.
      return Buffer.from(facts.error ? streamError(client, facts.error) : "");
    },
  };
}
