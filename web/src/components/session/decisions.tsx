"use client";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sessionDecisionsQuery } from "../../api/decision.ts";
import { plural } from "../../model/numbers.ts";
import { EmptyState } from "../../ui/notice.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { DecisionRow } from "../decision-row.tsx";
import { Resource } from "../resource.tsx";

const STEP = 100;

/** Every routing decision of a session, newest first, each with the pools it looked at. */
export function Decisions({ id, onSelect }: { id: string; onSelect: (span: string) => void }) {
  const query = useQuery(sessionDecisionsQuery(id));
  const [shown, setShown] = useState(STEP);
  return (
    <Resource query={query} skeleton={<SkeletonRows rows={8} height={44} />}>
      {(page) =>
        page.data.length === 0 ? (
          <EmptyState title="No call of this session went through the scheduler">
            Its calls were seen by the agent's plugin only, so there was nothing to decide.
          </EmptyState>
        ) : (
          <div>
            <ul>
              {page.data.slice(0, shown).map((decision) => (
                <DecisionRow
                  key={decision.span_id}
                  decision={decision}
                  more={
                    <button
                      type="button"
                      onClick={() => onSelect(decision.span_id)}
                      className="underline underline-offset-2 hover:text-ink"
                    >
                      Show the span
                    </button>
                  }
                />
              ))}
            </ul>
            {shown < page.data.length && (
              <button type="button" onClick={() => setShown(shown + STEP)} className="h-10 w-full text-ink-2 hover:bg-hover hover:text-ink">
                Show {plural(Math.min(STEP, page.data.length - shown), "more decision")}
              </button>
            )}
            {page.next && shown >= page.data.length && (
              <p className="px-4 py-3 text-ink-2 text-sm">Older decisions are in the API: this page shows the latest {page.data.length}.</p>
            )}
          </div>
        )
      }
    </Resource>
  );
}
