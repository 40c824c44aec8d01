import type { Metadata } from "next";
import { createLoader } from "nuqs/server";
import { EVENT_PAGE_SIZE, EventListParameters, eventPagesQuery, newestEventsQuery } from "../../../src/api/event.ts";
import { facetsQuery } from "../../../src/api/facets.ts";
import { BrainPage } from "../../../src/components/brain/brain-page.tsx";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadEvents } from "../../../src/loaders/events.ts";
import { loadFacets } from "../../../src/loaders/facets.ts";
import { brainParams } from "../../../src/search-params.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Brain" };
const loadParams = createLoader(brainParams);

export default function Page({ searchParams }: PageProps<"/brain">) {
  return <Streamed content={content(searchParams)} />;
}

async function content(searchParams: PageProps<"/brain">["searchParams"]) {
  const filter = await loadParams(searchParams);
  const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null));
  const first = (async () => loadEvents(EventListParameters.parse({ ...given, errors: String(filter.errors), limit: EVENT_PAGE_SIZE })))();
  const state = await prefetch([
    { options: eventPagesQuery(filter), load: () => first, infinite: true },
    { options: newestEventsQuery(filter), load: () => first },
    { options: facetsQuery(), load: loadFacets, later: true },
  ]);
  return (
    <Hydrated state={state}>
      <BrainPage />
    </Hydrated>
  );
}
