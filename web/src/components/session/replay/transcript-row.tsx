"use client";
import { Operation, plainId } from "@signalbox/otel/conventions";
import { CircleAlert } from "lucide-react";
import { memo } from "react";
import type { Step } from "../../../api/step.ts";
import type { ReplayStep } from "../../../model/replay.ts";
import { formatDuration } from "../../../model/time.ts";
import { HostileText } from "../../../ui/hostile-text.tsx";
import { Money } from "../../../ui/money.tsx";
import { SiliconSign } from "../../../ui/silicon-sign.tsx";
import { OperationIcon } from "../operation-icon.tsx";

export const STEP_HEIGHT = 52;
const OPERATION = { turn: Operation.invokeAgent, call: Operation.chat, tool: Operation.executeTool } as const;

export const stepTitle = (step: Step): string =>
  (step.kind === "turn" ? "turn" : step.kind === "tool" ? step.tool_name : step.model) ?? step.name;

export const TranscriptRow = memo(function TranscriptRow({
  step: { step, startMs, durationMs },
  index,
  total,
  top,
  preview,
  onSelect,
}: {
  step: ReplayStep;
  index: number;
  total: number;
  top: number;
  /** Undefined: not read yet. */
  preview: string | undefined;
  onSelect: (ms: number) => void;
}) {
  return (
    <li
      aria-setsize={total}
      aria-posinset={index + 1}
      data-step={step.span_id}
      data-kind={step.kind}
      className="absolute inset-x-0"
      style={{ height: STEP_HEIGHT, transform: `translateY(${top}px)` }}
    >
      <button
        type="button"
        tabIndex={-1}
        onClick={() => onSelect(startMs)}
        className="flex size-full flex-col justify-center gap-0.5 border-line border-b px-4 text-left hover:bg-hover/60"
      >
        <span className="flex w-full items-center gap-1.5">
          <OperationIcon operation={OPERATION[step.kind]} />
          <span className="min-w-0 max-w-[45%] truncate text-ink-2 text-sm">
            <HostileText text={step.agent_name ?? plainId(step.agent_id)} />
          </span>
          <span className="min-w-0 truncate font-medium">
            <HostileText text={stepTitle(step)} />
          </span>
          {step.pool && (
            <span className="hidden min-w-0 items-center gap-1 text-ink-2 text-xs sm:flex">
              <SiliconSign silicon={step.silicon} size={9} />
              <span className="truncate">{step.pool}</span>
            </span>
          )}
          {step.status === "error" && <CircleAlert size={12} className="shrink-0 text-bad" aria-label="error" />}
          <span className="tabular ml-auto shrink-0 pl-2 text-ink-3 text-xs">{formatDuration(durationMs)}</span>
          {step.kind === "call" && <Money nanousd={step.cost_nanousd} className="min-w-[72px] shrink-0 text-right text-sm" />}
        </span>
        <span className="block w-full truncate pl-5 text-ink-2 text-sm">
          {step.status === "error" && step.status_message ? (
            <HostileText text={step.status_message} />
          ) : (
            <HostileText text={preview ?? ""} />
          )}
        </span>
      </button>
    </li>
  );
});
