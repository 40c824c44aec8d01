import type { Metadata } from "next";
import { createLoader } from "nuqs/server";
import { TreeListParameters, treePagesQuery } from "../../../src/api/tree.ts";
import { AgentsPage } from "../../../src/components/agents/agents-page.tsx";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadTrees } from "../../../src/loaders/trees.ts";
import { agentsParams } from "../../../src/search-params.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Agents" };
const loadParams = createLoader(agentsParams);

export default function Page({ searchParams }: PageProps<"/agents">) {
  return <Streamed content={content(searchParams)} />;
}

async function content(searchParams: PageProps<"/agents">["searchParams"]) {
  const { show, sort } = await loadParams(searchParams);
  const state = await prefetch([
    { options: treePagesQuery({ show, sort }), load: () => loadTrees(TreeListParameters.parse({ show, sort })), infinite: true },
  ]);
  return (
    <Hydrated state={state}>
      <AgentsPage />
    </Hydrated>
  );
}
