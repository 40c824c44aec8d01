/** The two halves of a stream's translation, which every dialect has. */

import type { StreamEvent } from "./types.ts";

/** One event of the engine → what it says. Keeps to the rules of `StreamEvent`. @throws FieldError when it is not of the dialect */
export interface StreamReader {
  read(event: { event: string; data: string }): StreamEvent[];
  /** The engine closed the stream: what is still to say, an error where it ended too early. */
  end(): StreamEvent[];
}

/** What was said → bytes for the client. */
export interface StreamWriter {
  write(event: StreamEvent): Uint8Array[];
}

export const CUT_SHORT: StreamEvent = {
  type: "error",
  error: { status: 502, code: "stream_cut_short", message: "the engine's stream ended before the reply was complete", retryable: true },
};
