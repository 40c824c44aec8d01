"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import { describeError } from "../../api/error.ts";
import { postSimulation, postSimulationCancel, type Simulation, simulationPolicyQuery, simulationsQuery } from "../../api/simulation.ts";
import { paths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ErrorState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { Comparison } from "./comparison.tsx";

const WINDOWS = [
  { value: "24", label: "24 h" },
  { value: "168", label: "7 d" },
  { value: "720", label: "30 d" },
] as const;

/** Stored decisions, played through the policy in force and through an edited one. Nothing is called and nothing is changed. */
export function WhatIfPage() {
  const client = useQueryClient();
  const policy = useQuery(simulationPolicyQuery());
  const simulations = useQuery(simulationsQuery());
  const [hours, setHours] = useState<(typeof WINDOWS)[number]["value"]>("24");
  const [edited, setEdited] = useState<string>();
  const last = simulations.data?.data[0];
  const show = (simulation: Simulation) => client.setQueryData(simulationsQuery().queryKey, { data: [simulation], next: null });
  const start = useMutation({ mutationFn: postSimulation, onSuccess: show });
  const cancel = useMutation({ mutationFn: postSimulationCancel, onSuccess: show });

  return (
    <Frame>
      <PageHeader title="What if">
        <Link prefetch={false} href={paths.routes()} className="text-ink-2 text-sm underline-offset-4 hover:underline">
          Back to Routes
        </Link>
      </PageHeader>
      <Panel title="Edited policy" aside="prices, slots, hourly price, speeds, routes: of pools that are there, or of others">
        <Resource query={policy} skeleton={<SkeletonRows rows={8} />}>
          {(shown) => {
            const text = edited ?? shown.policy;
            return (
              <div className="flex flex-col gap-3">
                <textarea
                  aria-label="policy, as YAML"
                  value={text}
                  onChange={(event) => setEdited(event.target.value)}
                  spellCheck={false}
                  rows={18}
                  className="w-full resize-y rounded-md border border-line-strong bg-sunken p-3 font-mono text-sm"
                />
                <div className="flex flex-wrap items-center gap-3">
                  <span className="text-ink-2 text-sm">decisions of the last</span>
                  <Segmented label="decisions of the last" value={hours} options={WINDOWS} onChange={setHours} />
                  <Button
                    blocked={last?.state === "running" ? "one runs already" : undefined}
                    onClick={() => start.mutate({ hours: Number(hours), policy: text })}
                  >
                    Play both policies
                  </Button>
                  <Button blocked={edited === undefined ? "nothing was edited" : undefined} onClick={() => setEdited(undefined)}>
                    Back to the policy in force
                  </Button>
                </div>
                {start.error && <ErrorState {...describeError(start.error)} />}
              </div>
            );
          }}
        </Resource>
      </Panel>
      <Panel title="Comparison" aside={last?.state === "done" ? `decisions of ${last.hours} h` : undefined}>
        <Resource query={simulations} skeleton={<SkeletonRows rows={4} />}>
          {() =>
            last ? (
              <Outcome simulation={last} onCancel={() => cancel.mutate(last.id)} />
            ) : (
              <p className="text-ink-2">Nothing was played yet.</p>
            )
          }
        </Resource>
      </Panel>
    </Frame>
  );
}

function Outcome({ simulation, onCancel }: { simulation: Simulation; onCancel: () => void }) {
  const { state, progress, error, result } = simulation;
  if (state === "running") {
    const percent = Math.round(progress * 100);
    return (
      <div className="flex flex-wrap items-center gap-3" role="status">
        <progress className="h-2 w-64 max-w-full accent-(--ink)" max={100} value={percent} aria-label="simulation" />
        <span className="tabular text-ink-2 text-sm">{percent === 0 ? "reading decisions" : `${percent} %`}</span>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
    );
  }
  if (state === "cancelled") return <p className="text-ink-2">Cancelled.</p>;
  if (result === null) return <ErrorState title="The simulation failed" detail={error ?? "it says no more"} />;
  return <Comparison result={result} />;
}
