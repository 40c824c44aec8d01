/** Who may call the model endpoints, and for whom. Keys are compared by digest, so that the time taken tells nothing of them. */

import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { RequestHeader } from "@signalbox/otel/conventions";
import type { Environment } from "../config/references.ts";
import type { KeyConfig } from "../config/schema.ts";
import { HttpError } from "../http/errors.ts";
import type { Identity } from "./identity.ts";
import type { Principal } from "./principal.ts";
import type { FindStoredKey } from "./stored-keys.ts";

export interface Gatekeeper {
  /** @throws HttpError 401 for a wrong key, and for a missing one where one is required; 403 for a page of another origin */
  admitModel(headers: IncomingHttpHeaders): Principal;
  /** The project of a key; undefined where it has none, or is none that we know. */
  projectOf(key: string): string | undefined;
  /** @throws HttpError 401 without the admin token */
  admitControl(headers: IncomingHttpHeaders): void;
}

export interface GatekeeperOptions {
  keys: readonly KeyConfig[];
  environment: Environment;
  /** The admin token; it opens the model endpoints too. */
  token: string | undefined;
  /** Bound to loopback, and to nothing else. */
  loopback: boolean;
  /** Keys that are not in the config. */
  stored?: FindStoredKey;
}

const ANYBODY: Principal = {
  key: undefined,
  role: undefined,
  project: undefined,
  user: undefined,
  models: undefined,
  requestsPerMinute: undefined,
  tokensPerMinute: undefined,
};

export function createGatekeeper({ keys, environment, token, loopback, stored = () => undefined }: GatekeeperOptions): Gatekeeper {
  const accepted = new Map(keys.map((key) => [digest(("key" in key ? key.key : environment[key.key_env]) ?? ""), principalOf(key)]));
  const required = keys.length > 0 || !loopback;
  const admin = token ? digest(token) : undefined;
  if (admin) accepted.set(admin, ANYBODY);

  return {
    admitModel(headers) {
      const key = presentedKey(headers);
      if (key === undefined) {
        if (required) throw unauthorized("you did not provide an API key: send it as `Authorization: Bearer <key>`");
        // Without a key, a web page that the user happens to have open must not spend their money.
        if (headers.origin !== undefined) throw new HttpError(403, "origin_refused", `requests from a page (${headers.origin}) need a key`);
        return ANYBODY;
      }
      const presented = digest(key);
      const principal = accepted.get(presented) ?? stored(presented);
      // With neither keys nor a token there is nothing that a key could be wrong against.
      if (!principal && accepted.size === 0) return ANYBODY;
      if (!principal) throw unauthorized("incorrect API key provided");
      return principal;
    },
    projectOf: (key) => (accepted.get(digest(key)) ?? stored(digest(key)))?.project,
    admitControl(headers) {
      const key = presentedKey(headers);
      if (!admin || key === undefined || digest(key) !== admin) {
        throw unauthorized("the control API needs `Authorization: Bearer <SIGNALBOX_TOKEN>`");
      }
    },
  };
}

/** @throws HttpError 403 where the key may not ask for the model */
export function admitToModel({ key, models }: Principal, model: string): void {
  if (!models || models.has(model)) return;
  throw new HttpError(403, "model_not_allowed", `key ${key} may not use the model "${model}"; it may use: ${[...models].join(", ")}`, {
    param: "model",
  });
}

/**
 * The caller as its key says.
 * @throws HttpError 403 where a header claims another project or user than the key's
 */
export function identityFor(principal: Principal, identity: Identity): Identity {
  const { key, project, user } = principal;
  if (key === undefined && project === undefined && user === undefined) return identity;
  const contradicts = (scope: string, own: string | undefined, claimed: string | undefined) => {
    if (own === undefined || claimed === undefined || own === claimed) return;
    throw new HttpError(403, "key_scope", `key ${key} is for ${scope} "${own}", and the request names "${claimed}"`);
  };
  contradicts("project", project, identity.project);
  contradicts("user", user, identity.user);
  return { ...identity, project: project ?? identity.project, user: user ?? identity.user, key };
}

const principalOf = (key: KeyConfig): Principal => ({
  key: key.name,
  role: key.role,
  project: key.project,
  user: key.user,
  models: key.models && new Set(key.models),
  requestsPerMinute: key.requests_per_minute,
  tokensPerMinute: key.tokens_per_minute,
});

/** Our own header first: `Authorization` may be taken by a provider's key, and is no key of ours where the request says so. `x-api-key` is what Anthropic's clients send. */
function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const own = headers[RequestHeader.key];
  if (headers[RequestHeader.credentials] === "caller") return typeof own === "string" && own !== "" ? own : undefined;
  const { authorization } = headers;
  const bearer = authorization?.slice(0, 7).toLowerCase() === "bearer " ? authorization.slice(7).trim() : undefined;
  const plain = [own, bearer, headers["x-api-key"]];
  return plain.find((key): key is string => typeof key === "string" && key !== "" && key !== NO_KEY);
}

/** What a client sends for no key at all whose SDK insists on one. */
const NO_KEY = "none";

const digest = (key: string) => hash("sha256", key, "base64");
const unauthorized = (message: string) => new HttpError(401, "invalid_api_key", message);
