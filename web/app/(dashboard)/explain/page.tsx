import type { Metadata } from "next";
import { createLoader } from "nuqs/server";
import { CostParameters, costQuery } from "../../../src/api/cost.ts";
import { ExplainParameters, explainQuery } from "../../../src/api/explain.ts";
import { ExplainPage } from "../../../src/components/explain/explain-page.tsx";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadCost } from "../../../src/loaders/cost.ts";
import { loadExplanation } from "../../../src/loaders/explain.ts";
import { RANGES } from "../../../src/model/cost-view.ts";
import { explainRange } from "../../../src/model/explain-range.ts";
import { explainParams } from "../../../src/search-params.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Explain" };
const loadParams = createLoader(explainParams);

export default function Page({ searchParams }: PageProps<"/explain">) {
  return <Streamed content={content(searchParams)} />;
}

async function content(searchParams: PageProps<"/explain">["searchParams"]) {
  const { range, at } = await loadParams(searchParams);
  const { from, bucket } = RANGES[range];
  const explained = explainRange(range, at);
  const state = await prefetch([
    {
      options: costQuery({ groupBy: ["silicon"], from, bucket }),
      load: () => loadCost(CostParameters.parse({ group_by: "silicon", from, bucket })),
    },
    { options: explainQuery(explained.from, explained.to), load: async () => loadExplanation(ExplainParameters.parse(explained)) },
  ]);
  return (
    <Hydrated state={state}>
      <ExplainPage />
    </Hydrated>
  );
}
