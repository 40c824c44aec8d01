import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { agentsQuery } from "../../../../src/api/agent.ts";
import { sessionQuery } from "../../../../src/api/session.ts";
import { SessionPage } from "../../../../src/components/session/session-page.tsx";
import { loadAgents } from "../../../../src/loaders/session-parts.ts";
import { loadSession } from "../../../../src/loaders/sessions.ts";
import { prefetch } from "../../../../src/server/prefetch.ts";
import { NotFound } from "../../../../src/server/refusal.ts";

export const metadata: Metadata = { title: "Session" };

export default async function Page({ params }: PageProps<"/sessions/[id]">) {
  // pages get the segment still percent-encoded, unlike route handlers
  const id = decodeSegment((await params).id);
  if (id === undefined) notFound();
  let isMissing = false;
  const summary = () =>
    loadSession(id).catch((error: unknown) => {
      isMissing = error instanceof NotFound;
      throw error;
    });
  // the spans come after: they are many, and the header must not wait for them
  const state = await prefetch([
    { options: sessionQuery(id), load: summary },
    { options: agentsQuery(id), load: () => loadAgents(id) },
  ]);
  if (isMissing) notFound();
  return (
    <HydrationBoundary state={state}>
      <SessionPage id={id} />
    </HydrationBoundary>
  );
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
