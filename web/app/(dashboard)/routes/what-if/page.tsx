import type { Metadata } from "next";
import { simulationPolicyQuery, simulationsQuery } from "../../../../src/api/simulation.ts";
import { Hydrated } from "../../../../src/components/hydrated.tsx";
import { Streamed } from "../../../../src/components/streamed.tsx";
import { WhatIfPage } from "../../../../src/components/what-if/what-if-page.tsx";
import { loadSimulationPolicy, loadSimulations } from "../../../../src/loaders/simulations.ts";
import { prefetch } from "../../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "What if" };
export const dynamic = "force-dynamic";

export default function Page() {
  return <Streamed content={content()} />;
}

async function content() {
  const state = await prefetch([
    { options: simulationsQuery(), load: loadSimulations },
    { options: simulationPolicyQuery(), load: loadSimulationPolicy },
  ]);
  return (
    <Hydrated state={state}>
      <WhatIfPage />
    </Hydrated>
  );
}
