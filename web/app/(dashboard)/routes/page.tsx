import type { Metadata } from "next";
import { createLoader } from "nuqs/server";
import { DECISION_PAGE_SIZE, DecisionListParameters, decisionPagesQuery } from "../../../src/api/decision.ts";
import { facetsQuery } from "../../../src/api/facets.ts";
import { poolsQuery } from "../../../src/api/pool.ts";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { RoutesPage } from "../../../src/components/routes/routes-page.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadDecisions } from "../../../src/loaders/decisions.ts";
import { loadFacets } from "../../../src/loaders/facets.ts";
import { loadPools } from "../../../src/loaders/pools.ts";
import { RANGES } from "../../../src/model/cost-view.ts";
import { routesParams } from "../../../src/search-params.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Routes" };
const loadParams = createLoader(routesParams);

export default function Page({ searchParams }: PageProps<"/routes">) {
  return <Streamed content={content(searchParams)} />;
}

async function content(searchParams: PageProps<"/routes">["searchParams"]) {
  const { range, route, pool, show } = await loadParams(searchParams);
  const { from } = RANGES[range];
  const state = await prefetch([
    { options: poolsQuery(from), load: () => loadPools({ from }) },
    {
      options: decisionPagesQuery({ route, pool, show }),
      load: async () =>
        loadDecisions(
          DecisionListParameters.parse({ route: route ?? undefined, pool: pool ?? undefined, show, limit: DECISION_PAGE_SIZE }),
        ),
      infinite: true,
    },
    { options: facetsQuery(), load: loadFacets, later: true },
  ]);
  return (
    <Hydrated state={state}>
      <RoutesPage />
    </Hydrated>
  );
}
