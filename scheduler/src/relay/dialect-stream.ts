/** A stream of server-sent events that is read in no dialect's terms: passed on as it comes, or translated piece by piece. */

import { createStreamListener, createStreamTranslator, type StreamEvent } from "../dialects/translate/index.ts";
import type { BadAnswerKind } from "./bad-answer.ts";
import type { Call } from "./call.ts";
import type { Between } from "./dialect-held.ts";
import { consider, type Hold, openHold } from "./hold.ts";
import { type EngineHeaders, Outlet, Rejected } from "./outlet.ts";
import type { Reply } from "./reply.ts";
import { BAD_ANSWER, type OpenAttempt } from "./settle.ts";
import { streamError } from "./stream-error.ts";
import { StreamFacts } from "./stream-facts.ts";

const CHAT_END = Buffer.from("data: [DONE]\n\n");

export function createDialectStream(between: Between, call: Call, attempt: OpenAttempt, status: number, headers: EngineHeaders): Reply {
  const { record } = call;
  const facts = new StreamFacts();
  const hold = openHold(call, between.engine);
  const through = passage(between, facts, hold);
  const out = new Outlet(call, attempt, status, headers);

  const settle = (error: string | undefined) => {
    const estimate = facts.estimate(Math.ceil(call.chat.promptBytes / attempt.offer.speed.bytesPerToken));
    attempt.settle({ status, error, facts, estimate });
  };

  function close(last: Buffer): void {
    const { costNanousd } = attempt.record;
    const cost = Buffer.from(`: signalbox cost_nanousd=${costNanousd ?? "unknown"} sla_met=${record.slaMet ?? "unknown"}\n\n`);
    // Chat clients stop reading at [DONE].
    const end = last.subarray(-CHAT_END.length).equals(CHAT_END) ? last.length - CHAT_END.length : last.length;
    out.end(Buffer.concat([last.subarray(0, end), cost, last.subarray(end)]));
  }

  function finish(last: Buffer): void {
    settle(facts.error && (facts.error.code ?? String(facts.error.status)));
    close(last);
  }

  /** Nothing is sent before the engine has said something that is an event of its dialect, and no error. */
  function open(last: Buffer): void {
    if (facts.error) {
      const { code, status: failed, message } = facts.error;
      settle(code ?? String(failed));
      throw new Rejected(code ?? String(failed), message, { deliver: () => close(last) });
    }
    if (!facts.seen) return;
    const reject = (kind: BadAnswerKind) => {
      settle(BAD_ANSWER + kind);
      return new Rejected(BAD_ANSWER + kind, `the answer is bad: ${kind}`, { escalate: true, deliver: () => close(last) });
    };
    consider(call, hold, out, reject, facts.ended);
  }

  function pass(bytes: Buffer): boolean {
    if (facts.sawContent) attempt.firstChunk();
    // Whoever has the last event may leave at once: by then the call is settled.
    if (facts.ended) {
      if (!out.open) open(bytes);
      finish(bytes);
      return true;
    }
    const flowing = bytes.length === 0 || out.write(bytes);
    if (!out.open) open(EMPTY);
    return flowing;
  }

  return {
    data: (chunk) => out.ended || pass(through.push(chunk)),
    end() {
      if (out.ended) return;
      pass(through.end());
      if (!out.ended) finish(EMPTY);
    },
    fail(error, message) {
      // Whatever follows the last event is no longer the client's business.
      if (out.ended) return true;
      settle(error);
      if (!out.open) return false;
      if (call.gone && !call.stopped) return true;
      const { stopped } = call;
      out.end(streamError(between.client, { status: stopped?.status ?? 502, code: error, message, retryable: !stopped }));
      return true;
    },
  };
}

const EMPTY = Buffer.alloc(0);

interface Passage {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

function passage({ engine, client, context }: Between, facts: StreamFacts, hold: Hold | undefined): Passage {
  const see = (event: StreamEvent) => {
    facts.see(event);
    hold?.see(event);
  };
  if (context) {
    const translator = createStreamTranslator(engine, client, { context, observe: see });
    return { push: (chunk) => Buffer.concat(translator.push(chunk)), end: () => Buffer.concat(translator.end()) };
  }
  const listener = createStreamListener(engine);
  return {
    push(chunk) {
      for (const event of listener.push(chunk)) see(event);
      return chunk;
    },
    end() {
      for (const event of listener.end()) see(event);
      // Cut short, and without a word of the engine's own that says so.
      return Buffer.from(facts.error ? streamError(client, facts.error) : "");
    },
  };
}
