"use client";
import { plainId } from "@signalbox/otel/conventions";
import { useQuery } from "@tanstack/react-query";
import { useQueryStates } from "nuqs";
import type { ContentMessage } from "../../../api/step-content.ts";
import { stepContentQuery } from "../../../api/step-content.ts";
import { formatCount, plural } from "../../../model/numbers.ts";
import type { Replay, ReplayStep } from "../../../model/replay.ts";
import { formatDuration } from "../../../model/time.ts";
import { sessionParams } from "../../../search-params.ts";
import { Button } from "../../../ui/button.tsx";
import { HostileText } from "../../../ui/hostile-text.tsx";
import { Money } from "../../../ui/money.tsx";
import { Segmented } from "../../../ui/segmented.tsx";
import { SkeletonRows } from "../../../ui/skeleton.tsx";
import { useKey } from "../../../ui/use-key.ts";
import { Resource } from "../../resource.tsx";
import type { Playhead } from "./playhead.ts";
import { RawBytes } from "./raw-bytes.tsx";
import { stepTitle } from "./transcript-row.tsx";
import { useCurrentIndex } from "./use-playhead.ts";

const CHARACTERS = 20_000;

/** What was said in the step that the playhead is on: read, or byte for byte. */
export function StepDetail({ id, replay, playhead }: { id: string; replay: Replay; playhead: Playhead }) {
  const [{ raw }, setParams] = useQueryStates(sessionParams);
  const current = replay.steps[useCurrentIndex(playhead)];
  useKey(["r"], () => void setParams({ raw: !raw }));
  if (!current) return null;
  const { step } = current;
  return (
    <section
      aria-label="step"
      data-current={step.span_id}
      className="flex h-[420px] flex-col border-line border-t lg:h-[max(420px,calc(100dvh-460px))] lg:border-t-0 lg:border-l"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-line border-b px-4 py-2">
        <h2 className="min-w-0 flex-1 truncate font-medium">
          <HostileText text={`${step.agent_name ?? plainId(step.agent_id)}: ${stepTitle(step)}`} />
        </h2>
        <Segmented
          label="content"
          value={raw ? "raw" : "messages"}
          options={[
            { value: "messages", label: "Messages" },
            { value: "raw", label: "Raw" },
          ]}
          onChange={(next) => void setParams({ raw: next === "raw" })}
        />
        <Facts current={current} onSpan={() => void setParams({ span: step.span_id })} />
      </header>
      <section aria-label="what was said" tabIndex={0} className="min-h-0 flex-1 overflow-y-auto px-4 py-3 outline-offset-[-2px]">
        {raw ? <RawBytes key={step.span_id} id={id} step={step} /> : <Messages id={id} current={current} />}
      </section>
    </section>
  );
}

function Facts({ current: { step, durationMs }, onSpan }: { current: ReplayStep; onSpan: () => void }) {
  return (
    <div className="tabular flex w-full flex-wrap items-center gap-x-3 text-ink-2 text-sm">
      <span>{formatDuration(durationMs)}</span>
      {step.kind === "call" && <Money nanousd={step.cost_nanousd} />}
      {step.input_tokens !== null && <span>{formatCount(step.input_tokens)} in</span>}
      {step.output_tokens !== null && <span>{formatCount(step.output_tokens)} out</span>}
      {step.pool && <span>{step.pool}</span>}
      <Button className="ml-auto" onClick={onSpan}>
        All of this span
      </Button>
    </div>
  );
}

function Messages({ id, current: { step } }: { id: string; current: ReplayStep }) {
  const query = useQuery(stepContentQuery(id, [step], CHARACTERS));
  return (
    <div className="flex flex-col gap-3">
      {step.status === "error" && (
        <p className="break-words rounded-md bg-bad-soft px-3 py-2 text-bad">
          <HostileText text={step.status_message ?? "This step ended in error."} />
        </p>
      )}
      <Resource query={query} skeleton={<SkeletonRows rows={4} height={36} />}>
        {([content]) =>
          content && content.messages.length > 0 ? (
            <>
              {content.earlier_messages > 0 && (
                <p className="text-ink-3 text-sm">after {plural(content.earlier_messages, "earlier message")} of this conversation</p>
              )}
              {content.messages.map((message, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: messages have no id, and these never change
                <Message key={`${step.span_id} ${index}`} message={message} />
              ))}
            </>
          ) : (
            <p className="text-ink-2">
              {step.kind === "turn" ? "The turn's own steps follow." : "No words of this step were sent to the collector."}
            </p>
          )
        }
      </Resource>
    </div>
  );
}

function Message({ message: { role, direction, parts } }: { message: ContentMessage }) {
  return (
    <article aria-label={`${direction}, ${role}`} data-direction={direction} className="rounded-md border border-line">
      <h3 className="label border-line border-b px-3 py-1">
        <HostileText text={role} /> {direction === "output" ? "said" : "to the model"}
      </h3>
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no id, and these never change
        <div key={index} className="px-3 py-2">
          {part.type !== "text" && (
            <p className="label mb-1">
              <HostileText text={part.name ? `${part.type} ${part.name}` : part.type} />
            </p>
          )}
          <div className={part.type === "text" ? "whitespace-pre-wrap break-words" : "whitespace-pre-wrap break-words font-mono text-xs"}>
            <HostileText text={part.text} />
          </div>
          {part.characters > part.text.length && (
            <p className="mt-1 text-ink-3 text-sm">cut here: {formatCount(part.characters)} characters in all</p>
          )}
        </div>
      ))}
    </article>
  );
}
