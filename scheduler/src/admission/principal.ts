import type { RateLimits } from "./rate-limit.ts";

/** Whom a key speaks for. What is undefined is not limited. */
export interface Principal extends RateLimits {
  /** The key's name; undefined without a key, and for the admin token. */
  key: string | undefined;
  role: string | undefined;
  project: string | undefined;
  user: string | undefined;
  models: ReadonlySet<string> | undefined;
}
