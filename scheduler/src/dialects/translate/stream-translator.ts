/** A stream of one dialect → a stream of another, piece by piece. */

import { readStream as readMessages } from "./anthropic-messages/read-stream.ts";
import { writeStream as writeMessages } from "./anthropic-messages/write-stream.ts";
import type { ReplyContext } from "./context.ts";
import { FieldError } from "./field.ts";
import { readStream as readChat } from "./openai-chat/read-stream.ts";
import { writeStream as writeChat } from "./openai-chat/write-stream.ts";
import { readStream as readResponses } from "./openai-responses/read-stream.ts";
import { writeStream as writeResponses } from "./openai-responses/write-stream.ts";
import { restoreTools } from "./restore-tools.ts";
import { EventReader, type ServerSentEvent, StreamTooLarge } from "./sse.ts";
import type { StreamReader, StreamWriter } from "./stream.ts";
import type { Dialect, StreamEvent } from "./types.ts";

/** Characters of one stream, JSON included; the text in it is kept where the client's dialect repeats it at the end. */
const MAX_REPLY_CHARS = 64 * 1024 * 1024;

const READERS: Record<Dialect, () => StreamReader> = {
  "openai-chat": readChat,
  "openai-responses": readResponses,
  "anthropic-messages": readMessages,
};

const WRITERS: Record<Dialect, (context: ReplyContext) => StreamWriter> = {
  "openai-chat": writeChat,
  "openai-responses": writeResponses,
  "anthropic-messages": writeMessages,
};

export interface StreamTranslator {
  /** The engine's bytes, in any pieces; the client's, maybe none yet. Never throws: a bad stream ends with an error in the client's dialect. */
  push(chunk: Uint8Array): Uint8Array[];
  /** The engine closed its stream, or was lost. Always leaves the client's stream with a proper end. */
  end(): Uint8Array[];
  /** A `stop` or an `error` was written: nothing more will be. */
  readonly ended: boolean;
}

/** @param observe sees every event on its way: usage and stop reason for the record, the first delta for the time to first token */
export function createStreamTranslator(
  from: Dialect,
  to: Dialect,
  { context, observe }: { context: ReplyContext; observe?: (event: StreamEvent) => void },
): StreamTranslator {
  const listener = createStreamListener(from);
  const restore = restoreTools(context.toolNames);
  const writer = WRITERS[to](context);
  let started = false;
  let ended = false;
  const write = (events: StreamEvent[]) =>
    events.flatMap(restore).flatMap((event) => {
      observe?.(event);
      ended ||= event.type === "stop" || event.type === "error";
      // An engine may fail before it says anything: some dialects still want a beginning.
      const opening = started || event.type === "start" || event.type === "ping" ? [] : writer.write({ type: "start", id: "", model: "" });
      started ||= event.type !== "ping";
      return [...opening, ...writer.write(event)];
    });
  return {
    push: (chunk) => write(listener.push(chunk)),
    end: () => write(listener.end()),
    get ended() {
      return ended;
    },
  };
}

export interface StreamListener {
  push(chunk: Uint8Array): StreamEvent[];
  end(): StreamEvent[];
}

/** Understands a stream without translating it: for one that is relayed as it is. Never throws. */
export function createStreamListener(from: Dialect): StreamListener {
  const events = new EventReader();
  const reader = READERS[from]();
  let chars = 0;
  let failed = false;

  const guarded = (read: () => StreamEvent[]): StreamEvent[] => {
    if (failed) return [];
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FieldError || error instanceof SyntaxError || error instanceof StreamTooLarge)) throw error;
      failed = true;
      const message = `the engine's ${from} stream cannot be read: ${error.message}`;
      return [{ type: "error", error: { status: 502, code: "bad_reply", message, retryable: true } }];
    }
  };
  const readOne = (event: ServerSentEvent) => {
    chars += event.data.length;
    if (chars > MAX_REPLY_CHARS) throw new StreamTooLarge("it", MAX_REPLY_CHARS);
    return reader.read(event);
  };
  const readAll = (sent: ServerSentEvent[]) => sent.flatMap((event) => guarded(() => readOne(event)));
  return {
    push: (chunk) => guarded(() => readAll(events.push(chunk))),
    end: () => guarded(() => [...readAll(events.end()), ...guarded(() => reader.end())]),
  };
}
