/** The endpoints that ask a model: what each one's requests look like. */

import type { EndpointName } from "./config/route-schema.ts";
import { type ChatRequest, lastUserText, scanChatRequest } from "./dialects/chat-request.ts";
import { scanEmbeddingsRequest } from "./dialects/embeddings.ts";
import { scanMessagesRequest } from "./dialects/messages-request.ts";
import { lastInputText, scanResponsesRequest } from "./dialects/responses-request.ts";
import type { Dialect } from "./dialects/translate/index.ts";

export interface Endpoint {
  /** As rules call it. */
  name: EndpointName;
  /** Of its clients: refusals are in it too. */
  dialect: Dialect;
  /** @throws HttpError 400 naming the field */
  scan(body: Buffer): ChatRequest;
  /** For rules that ask for keywords; empty where there is none. */
  lastUserText(request: ChatRequest): string;
}

export const CHAT: Endpoint = { name: "chat", dialect: "openai-chat", scan: scanChatRequest, lastUserText };
export const MESSAGES: Endpoint = { name: "messages", dialect: "anthropic-messages", scan: scanMessagesRequest, lastUserText };
export const RESPONSES: Endpoint = {
  name: "responses",
  dialect: "openai-responses",
  scan: scanResponsesRequest,
  lastUserText: lastInputText,
};
/** Vectors for texts, which nobody said to a model. */
export const EMBEDDINGS: Endpoint = { name: "embeddings", dialect: "openai-chat", scan: scanEmbeddingsRequest, lastUserText: () => "" };
