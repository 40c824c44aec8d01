/** One thing that was found. */
export interface Finding {
  /** As a pool of the config's `pools`; undefined: found, and not used. */
  pool: FoundPool | undefined;
  /** In words, for whoever started it. */
  text: string;
  /** Serves `auto`, besides requests that name one of its models. */
  local: boolean;
}
export type FoundPool = Readonly<Record<string, unknown>> & { name: string; models: readonly { id: string }[] };
