"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { PAYLOAD_CHARACTERS, type Payload, payloadsQuery } from "../../../api/payload.ts";
import type { Step } from "../../../api/step.ts";
import { formatCount } from "../../../model/numbers.ts";
import { Button } from "../../../ui/button.tsx";
import { HostileText } from "../../../ui/hostile-text.tsx";
import { SkeletonRows } from "../../../ui/skeleton.tsx";
import { Resource } from "../../resource.tsx";

/** The most that one answer of the API gives of a text. */
const MOST_CHARACTERS = 1_048_576;

/** The bytes that went to the pool and came back, of the attempt behind a step. */
export function RawBytes({ id, step }: { id: string; step: Step }) {
  const [limit, setLimit] = useState(PAYLOAD_CHARACTERS);
  const query = useQuery({ ...payloadsQuery(id, step.span_id, limit), enabled: step.kind === "call", placeholderData: keepPreviousData });
  if (step.kind !== "call") return <p className="text-ink-2">Only model calls have bytes that went over a wire.</p>;
  return (
    <Resource query={query} skeleton={<SkeletonRows rows={6} height={30} />}>
      {(payloads) =>
        payloads.length === 0 ? (
          <p className="text-ink-2">
            {step.attempt === null
              ? "This call did not go through the scheduler: nobody here saw its bytes."
              : "Its bytes are not kept: they were not captured (content.raw), or they are past their days."}
          </p>
        ) : (
          <div className="flex flex-col gap-4">
            {payloads.map((payload) => (
              <Body key={payload.direction} payload={payload} onMore={() => setLimit((now) => Math.min(now * 4, MOST_CHARACTERS))} />
            ))}
          </div>
        )
      }
    </Resource>
  );
}

function Body({ payload, onMore }: { payload: Payload; onMore: () => void }) {
  const { direction, bytes, is_truncated, encoding, text, characters } = payload;
  return (
    <section aria-label={direction}>
      <h3 className="label mb-1.5 flex flex-wrap gap-x-3">
        <span>{direction === "sent" ? "Sent to the pool" : "Received from the pool"}</span>
        <span className="tabular">{formatCount(bytes)} bytes</span>
        {encoding === "base64" && <span>shown as base64: not UTF-8</span>}
      </h3>
      <pre className="max-h-[60dvh] overflow-auto whitespace-pre-wrap break-all rounded-md bg-sunken p-3 font-mono text-xs" tabIndex={0}>
        <HostileText text={text} />
      </pre>
      {text.length < characters && (
        <p className="mt-1.5 flex items-center gap-2 text-ink-2 text-sm">
          {formatCount(text.length)} of {formatCount(characters)} characters
          {text.length < MOST_CHARACTERS ? <Button onClick={onMore}>Show more</Button> : <span>; the API has the rest</span>}
        </p>
      )}
      {is_truncated && <p className="mt-1.5 text-sm text-warn">The end was not kept: it was longer than the scheduler's limit.</p>}
    </section>
  );
}
