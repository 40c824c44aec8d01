import type { Metadata } from "next";
import { cookies } from "next/headers";
import { createLoader } from "nuqs/server";
import { CostParameters, costQuery, MOST_ROWS } from "../../../src/api/cost.ts";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { TokensPage } from "../../../src/components/tokens/tokens-page.tsx";
import { TIME_ZONE_COOKIE, timeZoneFrom } from "../../../src/cookies.ts";
import { loadCost } from "../../../src/loaders/cost.ts";
import { COST_RANGES, GROUPINGS, MOST_GROUPS } from "../../../src/model/cost-view.ts";
import { tokensParams } from "../../../src/search-params.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Tokens" };
const loadParams = createLoader(tokensParams);

export default function Page({ searchParams }: PageProps<"/tokens">) {
  return <Streamed content={content(searchParams)} />;
}

async function content(searchParams: PageProps<"/tokens">["searchParams"]) {
  const { range, group } = await loadParams(searchParams);
  const timeZone = timeZoneFrom((await cookies()).get(TIME_ZONE_COOKIE)?.value);
  const { from, bucket } = COST_RANGES[range];
  const { groupBy } = GROUPINGS[group];
  const tz = bucket === "day" || bucket === "month" ? timeZone : undefined;
  const state = await prefetch(
    [
      { groupBy, from, bucket, tz, top: MOST_GROUPS },
      { groupBy: ["silicon"] as const, from, tz },
    ].map((filter) => ({
      options: costQuery(filter),
      load: () => loadCost(CostParameters.parse({ ...filter, groupBy: undefined, group_by: filter.groupBy.join(","), limit: MOST_ROWS })),
    })),
  );
  return (
    <Hydrated state={state}>
      <TokensPage timeZone={timeZone} />
    </Hydrated>
  );
}
