import type { Connection } from "./exporters/postgres-connection.ts";

const TAKE = `
insert into signalbox.leases as held (name, holder, token, expires_at)
values ($1, $2, 1, clock_timestamp() + $3::bigint * interval '1 millisecond')
on conflict (name) do update set
  token = held.token + case when held.holder = excluded.holder then 0 else 1 end,
  holder = excluded.holder,
  expires_at = excluded.expires_at
where held.holder = excluded.holder or held.expires_at < clock_timestamp()
returning token::text`;
const LOCK = `
select from signalbox.leases
where name = $1 and holder = $2 and token = $3::bigint and expires_at > clock_timestamp()
for update`;
const RELEASE = "update signalbox.leases set expires_at = clock_timestamp() where name = $1 and holder = $2";

/** The right to do what only one of several processes may do. It runs out by the database's clock unless it is renewed. */
export interface Lease {
  /** Takes or renews it. @returns whether it is held now */
  hold(): Promise<boolean>;
  /**
   * First in a transaction: from here to its end nobody else can take the lease. @returns false when it is no longer ours, and the
   * transaction must not go on.
   */
  fence(): Promise<boolean>;
  /** The next one need not wait until it has run out. */
  release(): Promise<void>;
}

/** @param holder the name of this process among all that ask for it */
export function lease(connection: Connection, name: string, holder: string, milliseconds: number): Lease {
  let token: string | null = null;
  return {
    async hold() {
      const [row] = await connection.query<{ token: string }>(TAKE, [name, holder, milliseconds]);
      token = row?.token ?? null;
      return token !== null;
    },
    async fence() {
      if (token === null) return false;
      return (await connection.query(LOCK, [name, holder, token])).length === 1;
    },
    async release() {
      await connection.query(RELEASE, [name, holder]);
    },
  };
}
