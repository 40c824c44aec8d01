/** One thing that was looked at. */
export interface Check {
  name: string;
  state: "ok" | "failed" | "skipped";
  detail: string;
  /** what the user can do; with failed ones */
  fix?: string;
}

export type Outcome = Omit<Check, "name">;
export type Look = (name: string, work: () => Outcome | Promise<Outcome>) => Promise<boolean>;
export const ok = (detail: string): Outcome => ({ state: "ok", detail });
export const failed = (detail: string, fix: string): Outcome => ({ state: "failed", detail, fix });
export const skipped = (detail: string): Outcome => ({ state: "skipped", detail });
