import { cookies } from "next/headers";
import { attentionQuery } from "../../src/api/attention.ts";
import { CostParameters, costQuery } from "../../src/api/cost.ts";
import { recentSessionsQuery, SessionListParameters } from "../../src/api/session.ts";
import { Hydrated } from "../../src/components/hydrated.tsx";
import { OverviewPage } from "../../src/components/overview/overview-page.tsx";
import { costTodayFilter, RECENT, RUNNING } from "../../src/components/overview/overview-queries.ts";
import { Streamed } from "../../src/components/streamed.tsx";
import { TIME_ZONE_COOKIE, timeZoneFrom } from "../../src/cookies.ts";
import { loadAttention } from "../../src/loaders/attention.ts";
import { loadCost } from "../../src/loaders/cost.ts";
import { loadSessions } from "../../src/loaders/sessions.ts";
import { prefetch } from "../../src/server/prefetch.ts";

export default function Page() {
  return <Streamed content={content()} />;
}

async function content() {
  const timeZone = timeZoneFrom((await cookies()).get(TIME_ZONE_COOKIE)?.value);
  const cost = costTodayFilter(timeZone);
  const state = await prefetch([
    {
      options: costQuery(cost),
      load: () => loadCost(CostParameters.parse({ group_by: cost.groupBy.join(","), from: cost.from, tz: timeZone })),
    },
    { options: recentSessionsQuery(RECENT), load: () => loadSessions(SessionListParameters.parse(RECENT)) },
    { options: recentSessionsQuery(RUNNING), load: () => loadSessions(SessionListParameters.parse(RUNNING)) },
    { options: attentionQuery(), load: loadAttention },
  ]);
  return (
    <Hydrated state={state}>
      <OverviewPage timeZone={timeZone} />
    </Hydrated>
  );
}
