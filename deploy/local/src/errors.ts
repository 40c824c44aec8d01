/**
 * Something the user can put right. Its message is shown as it is, without a stack: one line that says what happened,
 * where, and what to do. `code` is stable, for `--json`.
 */
export class SetupError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "SetupError";
    this.code = code;
  }
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  // A refused connection to a name with several addresses is an AggregateError whose own message is empty.
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s+/g, " ").trim();
}

/** The `code` of a system or Postgres error (`EACCES`, `28P01`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
