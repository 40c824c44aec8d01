import { dehydrate, type QueryKey } from "@tanstack/react-query";
import { makeQueryClient } from "../api/query-client.ts";

/**
 * Reads what a page shows first, on the server, under the same keys that the browser will use. A read that fails is left out:
 * the browser tries it again and says what is wrong.
 */
export async function prefetch(reads: readonly { options: { queryKey: QueryKey }; load: () => Promise<unknown>; infinite?: boolean }[]) {
  const client = makeQueryClient();
  await Promise.all(
    reads.map(async ({ options, load, infinite }) => {
      const data = await load().catch(() => undefined);
      if (data !== undefined) client.setQueryData(options.queryKey, infinite ? { pages: [data], pageParams: [""] } : data);
    }),
  );
  return dehydrate(client);
}
