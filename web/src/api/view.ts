import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { paths } from "../paths.ts";
import { page } from "./common.ts";
import { fetchJson } from "./fetch-json.ts";

export const SavedView = z
  .object({
    view_id: z.string(),
    page: z.string().meta({ description: "the path of a page, as /sessions" }),
    name: z.string(),
    query: z.string().meta({ description: "the query string of its address, without `?`" }),
  })
  .meta({ id: "SavedView", description: "a page with its filters, under a name, for everyone who uses this database" });
export type SavedView = z.infer<typeof SavedView>;
export const SavedViewPage = page(SavedView);
export type SavedViewPage = z.infer<typeof SavedViewPage>;
export const SavedViewParameters = z.object({ page: z.string().max(41).optional() });
export const SavedViewRequest = SavedView.omit({ view_id: true }).strict().meta({ id: "SavedViewRequest" });
export type SavedViewRequest = z.infer<typeof SavedViewRequest>;
export const SavedViewWritten = z.object({ view_id: z.string() });

export const viewsQuery = () =>
  queryOptions({ queryKey: ["views"], queryFn: ({ signal }) => fetchJson(paths.api.views(), SavedViewPage, signal) });
export const postView = (view: SavedViewRequest) => fetchJson(paths.api.views(), SavedViewWritten, undefined, view);
export const postViewDelete = (id: string) => fetchJson(paths.api.viewDelete(id), z.object({}), undefined, {});
