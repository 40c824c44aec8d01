/** What rules ask about a request beyond its identity. */

import type { IncomingHttpHeaders } from "node:http";
import type { ChatRequest } from "../dialects/chat-request.ts";

/** OpenRouter's two headers come first: a user agent mostly names a library. */
const NAMES_OF_APPLICATIONS = ["x-title", "http-referer", "referer", "user-agent"] as const;

export function applicationsOf(headers: IncomingHttpHeaders): string[] {
  return NAMES_OF_APPLICATIONS.flatMap((name) => headers[name] ?? []);
}

export function offersTools({ fields }: Pick<ChatRequest, "fields">): boolean {
  const tools = fields.get("tools") ?? fields.get("functions");
  return tools !== undefined && tools.end - tools.start > "[]".length;
}

/** The types of image parts in the three dialects. Inside a text the quotes would be escaped. */
const IMAGE = /"type"\s*:\s*"(?:image|image_url|input_image)"/;

export function carriesImages({ body }: Pick<ChatRequest, "body">): boolean {
  return IMAGE.test(body.toString("latin1"));
}
