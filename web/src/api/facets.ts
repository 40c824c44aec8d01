import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { fetchJson } from "./fetch-json.ts";

export const Facets = z
  .object({
    agents: z.array(z.string()),
    channels: z.array(z.string()),
    silicons: z.array(z.string()),
    routes: z.array(z.string()),
    pools: z.array(z.string()),
  })
  .meta({ id: "Facets", description: "what the last seven days name: the choices of a filter" });
export type Facets = z.infer<typeof Facets>;

export const facetsQuery = () =>
  queryOptions({ queryKey: ["facets"], queryFn: ({ signal }) => fetchJson(paths.api.facets(), Facets, signal), staleTime: 5 * 60_000 });
