/** What the rest of the scheduler uses of the translation. */

export type { ReplyContext } from "./context.ts";
export { type ErrorReply, errorReply, readError, translateError } from "./errors.ts";
export { createStreamListener, createStreamTranslator, type StreamListener, type StreamTranslator } from "./stream-translator.ts";
export {
  BadReply,
  estimateInputTokens,
  parseResponse,
  type RequestOptions,
  type TranslatedRequest,
  translateRequest,
  translateResponse,
  Untranslatable,
} from "./translate.ts";
export type { ApiError, Dialect, Reply, StopReason, StreamEvent, Usage } from "./types.ts";
