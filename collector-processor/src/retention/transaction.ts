import type { Connection } from "../exporters/postgres-connection.ts";

/** Runs `work` between `first` (its locks) and the commit; rolled back where it throws. */
export async function transaction<T>(connection: Connection, first: string, work: () => Promise<T>): Promise<T> {
  await connection.run("begin");
  try {
    await connection.run(first);
    const result = await work();
    await connection.run("commit");
    return result;
  } catch (error) {
    await connection.run("rollback").catch(() => {});
    throw error;
  }
}
