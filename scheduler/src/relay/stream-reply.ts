/** A reply of server-sent events: passed on as it comes, ended with what it cost. */

import { type ChatStream, createChatStream } from "../dialects/chat-stream.ts";
import type { CallUsage } from "../dialects/chat-usage.ts";
import { errorBody } from "../http/errors.ts";
import type { Call } from "./call.ts";
import { replyHeaders } from "./headers.ts";
import type { Reply } from "./reply.ts";
import type { OpenAttempt } from "./settle.ts";

export function createStreamReply(
  call: Call,
  attempt: OpenAttempt,
  status: number,
  headers: Record<string, string | string[] | undefined>,
): Reply {
  const { response, record, chat } = call;
  const stream = createChatStream(!chat.wantsUsage);
  response.writeHead(status, replyHeaders(headers, record, attempt.record));
  response.flushHeaders();

  const settle = (error: string | undefined) =>
    attempt.settle({ status, error, facts: stream, estimate: estimated(call, attempt, stream) });

  function finish(): void {
    if (response.writableEnded) return;
    settle(undefined);
    const { costNanousd } = attempt.record;
    const cost = costNanousd === undefined ? "unknown" : costNanousd;
    const end = `: signalbox cost_nanousd=${cost} sla_met=${record.slaMet}\n\n`;
    response.end(stream.done ? `${end}data: [DONE]\n\n` : end);
  }

  return {
    data(chunk) {
      const passed = stream.push(chunk);
      if (stream.sawContent) attempt.firstChunk();
      const flowing = passed === undefined || response.write(passed);
      if (stream.done) finish();
      return flowing;
    },
    end() {
      const rest = stream.rest();
      if (rest && !response.writableEnded) response.write(rest);
      finish();
    },
    fail(error, message) {
      // Whatever follows [DONE] is no longer the client's business.
      if (response.writableEnded) return;
      settle(error);
      if (call.gone && !call.stopped) return;
      const body = errorBody({ status: call.stopped?.status ?? 502, code: error, message, param: null });
      response.end(`data: ${body}\n\n`);
    },
  };
}

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
