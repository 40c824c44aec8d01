import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { RequestHeader } from "@signalbox/otel/conventions";
import { Unavailable } from "../pipeline.ts";
import type { StoredKeys } from "./stored-keys.ts";

export interface IngestKey {
  name: string;
  key: string;
  /** The project that every span of this key belongs to; null: the spans say. */
  project: string | null;
}

/**
 * Who sends: `project` where the key has one. Null: the key is wrong, or missing where one is required.
 * @throws Unavailable while it cannot be known whether a key is right: the sender should come again, not drop what it has
 */
export type KeyCheck = (headers: IncomingHttpHeaders) => { project: string | null } | null;

export const KEY_REFUSED = "the ingest key is missing or wrong: send it as Authorization: Bearer <key>";
const RETRY_SECONDS = 2;

const digest = (key: string) => createHash("sha256").update(key).digest();

/** A key comes as `Authorization: Bearer …` or in `x-signalbox-key`. A wrong key is refused even where none is required. */
export function keyCheck(keys: readonly IngestKey[], stored: Pick<StoredKeys, "find">, required: boolean): KeyCheck {
  const known = keys.map(({ key, project }) => ({ digest: digest(key), project }));
  return (headers) => {
    const sent = presentedKey(headers);
    if (sent === null) return required ? null : { project: null };
    const sentDigest = digest(sent);
    const match = known.find((key) => timingSafeEqual(key.digest, sentDigest)) ?? stored.find(sentDigest.toString("hex"));
    if (match === "unknown") throw new Unavailable("the keys are not read yet: Postgres is away", RETRY_SECONDS);
    return match === undefined ? null : { project: match.project };
  };
}

function presentedKey(headers: IncomingHttpHeaders): string | null {
  const own = headers[RequestHeader.key];
  if (typeof own === "string") return own;
  const authorization = headers.authorization;
  if (authorization === undefined) return null;
  return /^Bearer +(.+)$/i.exec(authorization)?.[1]?.trim() ?? authorization;
}
