/** What routing needs of an Anthropic Messages request, read from its bytes. */

import { badRequest } from "../http/errors.ts";
import { type ChatRequest, length, mostBlobTokens } from "./chat-request.ts";
import { readFields } from "./request-fields.ts";

/** What an engine of this dialect wants in `anthropic-version`. */
export const ANTHROPIC_VERSION = "2023-06-01";

/** @throws HttpError 400 naming the field */
export function scanMessagesRequest(body: Buffer): ChatRequest {
  const { fields, model, stream, read, count } = readFields(body);
  const messages = fields.get("messages");
  if (!messages || body[messages.start] !== 0x5b) throw badRequest("messages: must be an array", "messages");
  const metadata = read("metadata") as { user_id?: unknown } | null | undefined;
  return {
    dialect: "anthropic-messages",
    operation: "chat",
    body,
    model,
    stream,
    maxTokens: count("max_tokens"),
    choices: 1,
    promptBytes: length(messages) + length(fields.get("system")) + length(fields.get("tools")),
    mostBlobTokens: mostBlobTokens(body, messages, "messages"),
    wantsUsage: true,
    promptCacheKey: undefined,
    user: userOf(metadata?.user_id),
    fields,
  };
}

/** Claude Code packs device, account and session into it as JSON; the account, else the device, is who pays for the call. */
function userOf(userId: unknown): string | undefined {
  if (typeof userId !== "string" || userId === "") return undefined;
  if (!userId.startsWith("{")) return userId;
  try {
    const { account_uuid, device_id } = JSON.parse(userId) as { account_uuid?: unknown; device_id?: unknown };
    const named = [account_uuid, device_id].find((id) => typeof id === "string" && id !== "");
    return (named as string | undefined) ?? userId;
  } catch {
    return userId;
  }
}
