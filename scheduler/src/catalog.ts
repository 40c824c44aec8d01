/** What clients may ask for, and what may serve it: the config's `models`, and every pool's own model ids. */

import type { Config } from "./config/schema.ts";
import { HttpError } from "./http/errors.ts";
import type { Offer, Pool } from "./pools/pool.ts";

export interface Catalog {
  /** @throws HttpError 404 model_not_found */
  offersFor(model: string): readonly Offer[];
  /** The body of `GET /v1/models`, as the clients of OpenAI and of Anthropic both read it. @param only the models that a key may ask for; default: all */
  list(only?: ReadonlySet<string>): object;
  /** The body of `GET /v1/models/{name}`. @throws HttpError 404 model_not_found */
  model(name: string, only?: ReadonlySet<string>): object;
}

export function createCatalog(models: Config["models"], pools: readonly Pool[]): Catalog {
  const offers = pools.flatMap((pool) => pool.offers);
  const byName = new Map<string, Offer[]>();
  for (const offer of offers) byName.set(offer.model, [...(byName.get(offer.model) ?? []), offer]);
  for (const [name, { any_of }] of Object.entries(models)) {
    byName.set(
      name,
      offers.filter((offer) => any_of.includes(offer.model)),
    );
  }
  const created = Math.floor(Date.now() / 1000);
  const created_at = new Date(created * 1000).toISOString();
  const describe = (id: string) => ({ id, object: "model", created, owned_by: "signalbox", type: "model", display_name: id, created_at });
  const unknown = (model: string) =>
    new HttpError(404, "model_not_found", `the model "${model}" does not exist; there are: ${[...byName.keys()].join(", ")}`, {
      param: "model",
    });

  return {
    offersFor(model) {
      const found = byName.get(model);
      if (found && found.length > 0) return found;
      throw unknown(model);
    },
    list(only) {
      const data = [...byName.keys()].filter((id) => !only || only.has(id)).map(describe);
      return { object: "list", data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
    },
    model(name, only) {
      if (!byName.has(name) || (only && !only.has(name))) throw unknown(name);
      return describe(name);
    },
  };
}
