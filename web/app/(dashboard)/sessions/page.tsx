import type { Metadata } from "next";
import { createLoader } from "nuqs/server";
import { SessionListParameters, sessionPagesQuery } from "../../../src/api/session.ts";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { SessionsPage } from "../../../src/components/sessions/sessions-page.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadSessions } from "../../../src/loaders/sessions.ts";
import { sessionsParams } from "../../../src/search-params.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Sessions" };
const loadParams = createLoader(sessionsParams);

export default function Page({ searchParams }: PageProps<"/sessions">) {
  return <Streamed content={content(searchParams)} />;
}

async function content(searchParams: PageProps<"/sessions">["searchParams"]) {
  const filter = await loadParams(searchParams);
  const state = await prefetch([
    { options: sessionPagesQuery(filter), load: async () => loadSessions(SessionListParameters.parse(filter)), infinite: true },
  ]);
  return (
    <Hydrated state={state}>
      <SessionsPage />
    </Hydrated>
  );
}
