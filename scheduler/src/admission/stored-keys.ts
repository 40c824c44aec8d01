/** Keys that were made in the dashboard: read from Postgres, followed by NOTIFY; while it is away, those of before hold. */

import { NotifyChannel } from "@signalbox/otel/conventions";
import { HttpError } from "../http/errors.ts";
import type { Log } from "../log.ts";
import type { Database } from "./postgres/database.ts";
import type { Query } from "./postgres/session.ts";
import type { Principal } from "./principal.ts";

/**
 * By the sha-256 of a key, in base64.
 * @throws HttpError 503 while it cannot be known, as the keys were never read: the caller should come again, not give up its key
 */
export type FindStoredKey = (digest: string) => Principal | undefined;

const READ_KEYS = `
select name, project, encode(digest, 'base64') as digest from signalbox.api_keys where purpose = 'agents' and revoked_at is null`;

interface KeyRow {
  name: string;
  project: string | null;
  digest: string;
}

export function followStoredKeys(database: Database | undefined, log: Log): FindStoredKey {
  let keys: ReadonlyMap<string, Principal> | undefined = database ? undefined : new Map();
  async function load(query: Query): Promise<void> {
    const rows = await query<KeyRow>(READ_KEYS);
    keys = new Map(rows.map((row) => [row.digest, principalOf(row)]));
  }
  database?.onUp(load);
  database?.onNotify(NotifyChannel.keys, () => {
    // lost with the session: the next one reads them again
    database.run(load).catch((error: Error) => log.warn("the keys could not be read again", { error: error.message }));
  });
  return (digest) => {
    if (!keys)
      throw new HttpError(503, "keys_unknown", "the keys are not read yet, as Postgres is away: try again", { retryAfterSeconds: 2 });
    return keys.get(digest);
  };
}

const principalOf = ({ name, project }: KeyRow): Principal => ({
  key: name,
  role: undefined,
  project: project ?? undefined,
  user: undefined,
  models: undefined,
  requestsPerMinute: undefined,
  tokensPerMinute: undefined,
});
