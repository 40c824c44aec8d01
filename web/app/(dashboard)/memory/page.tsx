import type { Metadata } from "next";
import { createLoader } from "nuqs/server";
import {
  type MemoryFileKey,
  MemoryFileListParameters,
  MemoryListParameters,
  memoryFileQuery,
  memoryFilesQuery,
} from "../../../src/api/memory.ts";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { MemoryPage } from "../../../src/components/memory/memory-page.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadMemory, loadMemoryFiles } from "../../../src/loaders/memory.ts";
import { firstShown } from "../../../src/model/memory.ts";
import { memoryParams } from "../../../src/search-params.ts";
import { inTime, prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Memory" };
const loadParams = createLoader(memoryParams);

export default function Page({ searchParams }: PageProps<"/memory">) {
  return <Streamed content={content(searchParams)} />;
}

async function content(searchParams: PageProps<"/memory">["searchParams"]) {
  const { q, range, path, of, project } = await loadParams(searchParams);
  const began = performance.now();
  const files = loadMemoryFiles(MemoryFileListParameters.parse({ q, from: `-${range}` }));
  const shown = path === null ? firstShown((await inTime(files, began))?.data ?? []) : { path, owner: of, project };
  const state = await prefetch(
    [
      { options: memoryFilesQuery({ q, range }), load: () => files, infinite: true },
      ...(shown ? [historyOf({ path: shown.path, owner: shown.owner, project: shown.project })] : []),
    ],
    began,
  );
  return (
    <Hydrated state={state}>
      <MemoryPage />
    </Hydrated>
  );
}

const historyOf = (file: MemoryFileKey) => ({
  options: memoryFileQuery(file),
  load: () => loadMemory(MemoryListParameters.parse(withValues(file))),
  infinite: true,
});

/** As the address of the API has them: what is empty is left out. */
const withValues = (parameters: MemoryFileKey) => Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ""));
