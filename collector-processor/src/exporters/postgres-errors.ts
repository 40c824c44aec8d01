import postgres from "postgres";
import { ConnectionLost } from "./postgres-connection.ts";

/**
 * What a failed write means. lost: the connection is gone. retry: the same again, now. later: the server is in trouble.
 * partition: one is missing. refused: these rows, always. unclear: the server refused a COPY, and the driver did not say why.
 */
export type WriteFailure = "lost" | "retry" | "later" | "partition" | "refused" | "unclear";

const RETRY = new Set(["40001", "40P01"]); // serialization failure, deadlock
const NO_PARTITION = "23514"; // "no partition of relation found for row" is a check violation
const FAILED_TRANSACTION = "25P02";
/** Classes: connection, insufficient resources, operator intervention, system error; and read-only, lock timeout. */
const LATER = /^(?:08|53|57|58|25006|55P03)/;
const LOST = /^(?:CONNECTION_|CONNECT_TIMEOUT|E[A-Z]+$)/;

export function writeFailure(error: unknown): WriteFailure {
  if (error instanceof ConnectionLost) return "lost";
  const code = String((error as { code?: unknown }).code ?? "");
  if (!(error instanceof postgres.PostgresError)) return LOST.test(code) ? "lost" : "refused";
  if (RETRY.has(code)) return "retry";
  if (code === NO_PARTITION) return "partition";
  if (code === FAILED_TRANSACTION) return "unclear";
  return LATER.test(code) ? "later" : "refused";
}
