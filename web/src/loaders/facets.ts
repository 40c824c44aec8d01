import type { Facets } from "../api/facets.ts";
import { listFacets } from "../queries/list-facets.ts";
import { read } from "../server/database.ts";

export async function loadFacets(): Promise<Facets> {
  const rows = await read(listFacets);
  const of = (facet: keyof Facets) => rows.find((row) => row.facet === facet)?.values ?? [];
  return { agents: of("agents"), channels: of("channels"), silicons: of("silicons"), routes: of("routes"), pools: of("pools") };
}
