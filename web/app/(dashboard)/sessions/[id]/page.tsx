import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { agentsQuery } from "../../../../src/api/agent.ts";
import { type Session, sessionQuery } from "../../../../src/api/session.ts";
import { Hydrated } from "../../../../src/components/hydrated.tsx";
import { SessionPage } from "../../../../src/components/session/session-page.tsx";
import { Streamed } from "../../../../src/components/streamed.tsx";
import { loadAgents } from "../../../../src/loaders/session-parts.ts";
import { loadSession } from "../../../../src/loaders/sessions.ts";
import { prefetch } from "../../../../src/server/prefetch.ts";
import { NotFound } from "../../../../src/server/refusal.ts";

export const metadata: Metadata = { title: "Session" };

export default async function Page({ params }: PageProps<"/sessions/[id]">) {
  // pages get the segment still percent-encoded, unlike route handlers
  const id = decodeSegment((await params).id);
  if (id === undefined) notFound();
  const session = loadSession(id);
  const shown = content(id, session);
  // whether there is such a session is the answer's status: it does not go out before that is known
  const isMissing = await session.then(
    () => false,
    (error: unknown) => error instanceof NotFound,
  );
  if (isMissing) notFound();
  return <Streamed content={shown} />;
}

async function content(id: string, session: Promise<Session>) {
  // the spans come after: they are many, and the header must not wait for them
  const state = await prefetch([
    { options: sessionQuery(id), load: () => session },
    { options: agentsQuery(id), load: () => loadAgents(id) },
  ]);
  return (
    <Hydrated state={state}>
      <SessionPage id={id} />
    </Hydrated>
  );
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
