/** The endpoints that ask a model: what each one's requests look like. */

import { type ChatRequest, lastUserText, scanChatRequest } from "./dialects/chat-request.ts";
import { scanMessagesRequest } from "./dialects/messages-request.ts";
import type { Dialect } from "./dialects/translate/index.ts";

export interface Endpoint {
  /** Of its clients: refusals are in it too. */
  dialect: Dialect;
  /** @throws HttpError 400 naming the field */
  scan(body: Buffer): ChatRequest;
  /** For rules that ask for keywords; empty where there is none. */
  lastUserText(request: ChatRequest): string;
}

export const CHAT: Endpoint = { dialect: "openai-chat", scan: scanChatRequest, lastUserText };
export const MESSAGES: Endpoint = { dialect: "anthropic-messages", scan: scanMessagesRequest, lastUserText };
