/** What a request says about caches: `cache-control` (RFC 9111) and our own header. */

import type { IncomingHttpHeaders } from "node:http";
import { RequestHeader } from "@signalbox/otel/conventions";

export interface CacheDirectives {
  /** A kept reply may be given. */
  read: boolean;
  /** The reply may be kept. */
  write: boolean;
  /** No older reply than this is wanted. */
  maxAgeSeconds: number;
}

export function cacheDirectives(headers: IncomingHttpHeaders): CacheDirectives {
  const control = headers["cache-control"]?.toLowerCase() ?? "";
  const off = String(headers[RequestHeader.cache]).toLowerCase() === "off" || /\bno-store\b/.test(control);
  const maxAge = /\bmax-age=(\d+)/.exec(control)?.[1];
  return {
    read: !off && !/\bno-cache\b/.test(control),
    write: !off,
    maxAgeSeconds: maxAge === undefined ? Infinity : Number(maxAge),
  };
}
