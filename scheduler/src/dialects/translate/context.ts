/** What a reply must know of its request. */

import { type ToolNames, toolNames } from "./tool-names.ts";
import type { Request } from "./types.ts";

export interface ReplyContext {
  /** As the client asked; answered where the engine names none. */
  model: string;
  toolNames: ToolNames;
  /** A chat client asked for the chunk that carries usage. */
  includeUsage: boolean;
  /** Fields of the request that a Responses reply repeats. */
  echo: Pick<Request, "temperature" | "topP" | "parallelToolCalls" | "maxOutputTokens" | "metadata" | "promptCacheKey">;
  /** Seconds since the epoch, for engines that say none. */
  createdAt: number;
}

export function replyContext(request: Request, createdAt: number): ReplyContext {
  return { model: request.model, toolNames: toolNames(request.tools), includeUsage: request.includeUsage, echo: request, createdAt };
}
