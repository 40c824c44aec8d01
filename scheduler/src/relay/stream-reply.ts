/** A reply of server-sent chat completion chunks: passed on as it comes, ended with what it cost. */

import { type ChatStream, createChatStream } from "../dialects/chat-stream.ts";
import type { CallUsage } from "../dialects/chat-usage.ts";
import { errorBody } from "../http/errors.ts";
import type { BadAnswerKind } from "./bad-answer.ts";
import type { Call } from "./call.ts";
import { consider, firstEvent, openHold } from "./hold.ts";
import { type EngineHeaders, Outlet, Rejected } from "./outlet.ts";
import type { Reply } from "./reply.ts";
import { BAD_ANSWER, type OpenAttempt } from "./settle.ts";

export function createStreamReply(call: Call, attempt: OpenAttempt, status: number, headers: EngineHeaders): Reply {
  const { record, chat } = call;
  const stream = createChatStream(!chat.wantsUsage);
  const out = new Outlet(call, attempt, status, headers);
  const hold = openHold(call, "openai-chat");

  const settle = (error: string | undefined) =>
    attempt.settle({ status, error, facts: stream, estimate: estimated(call, attempt, stream) });

  function close(): void {
    const { costNanousd } = attempt.record;
    const end = `: signalbox cost_nanousd=${costNanousd ?? "unknown"} sla_met=${record.slaMet ?? "unknown"}\n\n`;
    out.end(stream.done ? `${end}data: [DONE]\n\n` : end);
  }

  function finish(): void {
    if (out.ended) return;
    settle(undefined);
    close();
  }

  function reject(code: string, message: string): Rejected {
    settle(code);
    return new Rejected(code, message);
  }

  function rejectAnswer(kind: BadAnswerKind): Rejected {
    settle(BAD_ANSWER + kind);
    return new Rejected(BAD_ANSWER + kind, `the answer is bad: ${kind}`, { escalate: true, deliver: close });
  }

  function open(ended: boolean): void {
    const first = firstEvent(out.held());
    if (first === "ok" || (stream.done && first === undefined)) consider(call, hold, out, rejectAnswer, ended);
    else if (first) throw reject(first.error, first.message);
    else if (ended) throw reject("bad_reply", "the engine's stream ended without an event");
  }

  return {
    data(chunk) {
      hold?.push(chunk);
      const passed = stream.push(chunk);
      if (stream.sawContent) attempt.firstChunk();
      const flowing = passed === undefined || out.write(passed);
      if (!out.open && (passed || stream.done)) open(stream.done);
      if (stream.done) finish();
      return flowing;
    },
    end() {
      if (out.ended) return;
      const rest = stream.rest();
      if (rest) out.write(rest);
      const cut = !stream.done && stream.finishReason === undefined;
      if (cut && !out.open) throw reject(CUT, CUT_MESSAGE);
      if (!out.open) open(true);
      if (!cut) return finish();
      settle(CUT);
      out.end(`data: ${errorBody({ status: 502, code: CUT, message: CUT_MESSAGE, param: null })}\n\n`);
    },
    fail(error, message) {
      // Whatever follows [DONE] is no longer the client's business.
      if (out.ended) return true;
      settle(error);
      if (!out.open) return false;
      if (call.gone && !call.stopped) return true;
      const body = errorBody({ status: call.stopped?.status ?? 502, code: error, message, param: null });
      out.end(`data: ${body}\n\n`);
      return true;
    },
  };
}

const CUT = "stream_cut";
const CUT_MESSAGE = "the engine's stream ended before its reply did";

/** Tokens counted as they passed, one an event: the opening event carries the role alone. */
function estimated(call: Call, attempt: OpenAttempt, stream: ChatStream): CallUsage {
  const { bytesPerToken } = attempt.offer.speed;
  return {
    input: Math.ceil(call.chat.promptBytes / bytesPerToken),
    output: Math.max(0, stream.events - 1),
    cacheRead: 0,
    reasoning: 0,
  };
}
