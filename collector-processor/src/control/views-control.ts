import { randomUUID } from "node:crypto";
import { z } from "zod";
import { Refusal } from "../receivers/http-body.ts";
import { type ControlRoutes, invalid, parse } from "./control-api.ts";

const MAX_VIEWS = 500;
const viewSchema = z.strictObject({
  page: z.string().regex(/^\/[a-z-]{0,40}$/, "is not a page of the dashboard"),
  name: z.string().trim().min(1).max(80),
  query: z
    .string()
    .max(2000)
    .regex(/^[\x21-\x7e]*$/, "is not a query string"),
});

/** A view of the same page and name is replaced. $1: id, $2: page, $3: name, $4: query. */
const WRITE_VIEW = `
with gone as (delete from signalbox.saved_views where page = $2 and lower(name) = lower($3)),
  room as (select count(*) as taken from signalbox.saved_views)
insert into signalbox.saved_views (view_id, page, name, query, created_at)
select $1, $2, $3, $4, clock_timestamp() from room where taken < ${MAX_VIEWS}
returning view_id`;
const DELETE_VIEW = "delete from signalbox.saved_views where view_id = $1 returning view_id";

/** Pages with their filters, under a name: for everyone who uses this database. */
export const viewRoutes: ControlRoutes = [
  [
    /^views$/,
    async (connection, body) => {
      const { page, name, query } = parse(viewSchema, body);
      const viewId = randomUUID();
      const written = await connection.query(WRITE_VIEW, [viewId, page, name, query]);
      if (written.length === 0) throw invalid("name", `there are ${MAX_VIEWS} views already: delete some`);
      return { view_id: viewId };
    },
  ],
  [
    /^views\/([^/]+)\/delete$/,
    async (connection, _, id) => {
      if ((await connection.query(DELETE_VIEW, [id])).length === 0) throw new Refusal(404, `there is no view ${id}`);
      return {};
    },
  ],
];
