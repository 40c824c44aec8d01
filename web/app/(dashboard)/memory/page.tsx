import { HydrationBoundary } from "@tanstack/react-query";
import type { Metadata } from "next";
import { createLoader } from "nuqs/server";
import { MemoryFileListParameters, MemoryListParameters, memoryFileQuery, memoryFilesQuery } from "../../../src/api/memory.ts";
import { MemoryPage } from "../../../src/components/memory/memory-page.tsx";
import { loadMemory, loadMemoryFiles } from "../../../src/loaders/memory.ts";
import { memoryParams } from "../../../src/search-params.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Memory" };
const loadParams = createLoader(memoryParams);

export default async function Page({ searchParams }: PageProps<"/memory">) {
  const { q, range, path, of, project } = await loadParams(searchParams);
  const file = path === null ? [] : [{ path, owner: of, project }];
  const state = await prefetch([
    {
      options: memoryFilesQuery({ q, range }),
      load: async () => loadMemoryFiles(MemoryFileListParameters.parse({ q, from: `-${range}` })),
      infinite: true,
    },
    ...file.map((one) => ({
      options: memoryFileQuery(one),
      load: () => loadMemory(MemoryListParameters.parse(withValues(one))),
      infinite: true,
    })),
  ]);
  return (
    <HydrationBoundary state={state}>
      <MemoryPage />
    </HydrationBoundary>
  );
}

/** As the address of the API has them: what is empty is left out. */
const withValues = (parameters: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ""));
