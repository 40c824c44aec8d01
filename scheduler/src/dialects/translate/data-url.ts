/** OpenAI writes bytes inside a URL (`data:image/png;base64,…`), Anthropic beside it. */

import type { BlobSource } from "./types.ts";

const DATA_URL = /^data:([^;,]+);base64,/;

export function parseBlobUrl(url: string): BlobSource {
  const head = DATA_URL.exec(url);
  if (!head?.[1]) return { kind: "url", url };
  return { kind: "base64", mediaType: head[1], data: url.slice(head[0].length) };
}

export const blobUrl = (source: BlobSource): string =>
  source.kind === "url" ? source.url : `data:${source.mediaType};base64,${source.data}`;
