import type { SavedView } from "../api/view.ts";

/** Where a view leads. Its parts come from the database: put together as a path of our own, whatever they hold. */
export function viewAddress({ page, query }: Pick<SavedView, "page" | "query">): string {
  const search = new URLSearchParams(query).toString();
  return `/${page.replace(/^[/\\]+/, "")}${search === "" ? "" : `?${search}`}`;
}
