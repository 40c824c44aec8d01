import { createHash, randomBytes, randomUUID } from "node:crypto";
import { NotifyChannel } from "@signalbox/otel/conventions";
import { z } from "zod";
import { Refusal } from "../receivers/http-body.ts";
import { type ControlRoutes, parse } from "./control-api.ts";

const keySchema = z.strictObject({
  name: z.string().trim().min(1).max(100),
  purpose: z.enum(["agents", "read"]),
  project: z.string().trim().min(1).max(100).nullable().default(null),
});

const told = (change: string) => `
with changed as (${change} returning 1), told as (select pg_notify('${NotifyChannel.keys}', '{}') from changed limit 1)
select changed from changed left join told on true`;

/** $1: id, $2: name, $3: purpose, $4: project or '', $5: digest in hex, $6: hint. */
const CREATE_KEY = told(`
  insert into signalbox.api_keys (key_id, name, purpose, project, digest, hint, created_at)
  values ($1, $2, $3, nullif($4, ''), decode($5, 'hex'), $6, clock_timestamp())`);
const REVOKE_KEY = told("update signalbox.api_keys set revoked_at = clock_timestamp() where key_id = $1 and revoked_at is null");

/** The form is that of other vendors' keys: whatever redacts those redacts ours. */
const PREFIX = "sk-signalbox-";
const HINT_LENGTH = 4;

/** Keys are made and revoked here. The key itself is in one answer, and nowhere else. */
export const keyRoutes: ControlRoutes = [
  [
    /^keys$/,
    async (connection, body) => {
      const { name, purpose, project } = parse(keySchema, body);
      const keyId = randomUUID();
      const key = PREFIX + randomBytes(32).toString("base64url");
      const digest = createHash("sha256").update(key).digest("hex");
      await connection.query(CREATE_KEY, [keyId, name, purpose, project ?? "", digest, key.slice(-HINT_LENGTH)]);
      return { key_id: keyId, key };
    },
  ],
  [
    /^keys\/([^/]+)\/revoke$/,
    async (connection, _, id) => {
      if ((await connection.query(REVOKE_KEY, [id])).length === 0) throw new Refusal(404, `there is no key ${id} that is not revoked`);
      return {};
    },
  ],
];
