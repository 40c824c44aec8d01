"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { useState } from "react";
import { activityQuery, type ControlAction, controlMutation, type SessionActivity } from "../../api/control.ts";
import { describeError } from "../../api/error.ts";
import type { Session } from "../../api/session.ts";
import { formatCount, plural } from "../../model/numbers.ts";
import { Button } from "../../ui/button.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Modal } from "../../ui/modal.tsx";
import { Money } from "../../ui/money.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { useReadError } from "../unread.tsx";
import { ReceiptView } from "./receipt.tsx";

const WORDS: Record<ControlAction, { title: (name: string) => string; says: string; button: string; busy: string }> = {
  kill: {
    title: (name) => `Kill ${name}?`,
    says: "Calls under way are cut off, its agents are told to stop, and every later call is refused until you resume it.",
    button: "Kill session",
    busy: "Killing…",
  },
  pause: {
    title: (name) => `Pause ${name}?`,
    says: "Calls under way end by themselves; the next ones are refused until you resume it.",
    button: "Pause session",
    busy: "Pausing…",
  },
  resume: {
    title: (name) => `Resume ${name}?`,
    says: "Its calls are let through again. Agents that stopped do not start again by themselves.",
    button: "Resume session",
    busy: "Resuming…",
  },
};

/** Says what a stop will reach, asks, and then shows the receipt. A session can be stopped before, or without, its own data being there. */
export function StopDialog({
  id,
  session,
  action,
  onClose,
}: {
  id: string;
  session: Session | undefined;
  action: ControlAction;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const control = useMutation({
    ...controlMutation(id),
    onSettled: () => client.invalidateQueries({ queryKey: ["session", id] }),
  });
  const activity = useQuery({ ...activityQuery(id), enabled: !control.data });
  const blind = useReadError(activity);
  const words = WORDS[action];
  const name = session?.agent_name ?? "this session";
  const away = activity.data?.scheduler.problem;

  if (control.data)
    return (
      <Modal onClose={onClose} title="Receipt">
        <ReceiptView receipt={control.data} />
        <div className="mt-5 flex justify-end">
          <Button onClick={onClose}>Done</Button>
        </div>
      </Modal>
    );
  return (
    <Modal onClose={onClose} title={words.title(name)} description={words.says}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!away && !control.isPending) control.mutate(reason.trim() ? { action, reason: reason.trim() } : { action });
        }}
      >
        {action !== "resume" && blind === null && <WhatDies routes={session?.routes} activity={activity.data} />}
        <label className="mt-4 block">
          <span className="label">Reason, shown to the agent (optional)</span>
          <input
            value={reason}
            maxLength={500}
            onChange={(event) => setReason(event.target.value)}
            className="mt-1 h-8 w-full rounded-md border border-line-strong bg-surface px-2.5"
          />
        </label>
        {(away || control.error || blind !== null) && (
          <p role="alert" className="mt-3 flex items-start gap-2 text-bad text-sm">
            <CircleAlert size={14} className="mt-0.5 shrink-0" aria-hidden />
            <span className="min-w-0 break-words">
              <HostileText
                text={
                  control.error
                    ? sentence(describeError(control.error))
                    : away
                      ? `The scheduler is not answering: ${away}. Nothing can be ${action === "kill" ? "killed" : `${action}d`} until it does.`
                      : `${describeError(blind).title}, so what this will reach is not known beforehand. It can be ${action === "kill" ? "killed" : `${action}d`} all the same.`
                }
              />
            </span>
          </p>
        )}
        <div className="mt-5 flex justify-end gap-2">
          <Button onClick={onClose} data-first-focus>
            Cancel
          </Button>
          <Button
            type="submit"
            tone={action === "kill" ? "stop" : "plain"}
            blocked={away ? "The scheduler is not answering" : control.isPending ? "Waiting for the receipt" : undefined}
          >
            {control.isPending ? words.busy : words.button}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

const sentence = ({ title, detail }: { title: string; detail: string }) => `${title}. ${detail}`;

function WhatDies({ routes, activity }: { routes: Session["routes"] | undefined; activity: SessionActivity | undefined }) {
  const isUnrouted = routes?.every((share) => share.pool === "");
  if (!activity) return <Skeleton className="mt-4 h-20 w-full" />;
  return (
    <dl
      aria-label="what will stop"
      className="mt-4 grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-1.5 rounded-md border border-line px-3.5 py-3"
    >
      <Row name="Agents">
        the root {activity.descendants === 0 ? "alone" : `and ${plural(activity.descendants, "sub-agent")}`};{" "}
        {formatCount(activity.active_agents)} seen in the last <span className="whitespace-nowrap">90 s</span>
      </Row>
      <Row name="Calls in flight">
        {activity.in_flight_calls === null ? "not known beforehand: the receipt counts them" : formatCount(activity.in_flight_calls)}
      </Row>
      <Row name="Spending">
        <Money
          nanousd={activity.cost_last_minute_nanousd}
          unknownCalls={activity.cost_last_minute_nanousd === null ? 0 : activity.unknown_cost_calls_last_minute}
          className="font-medium"
        />{" "}
        in the last minute, over {plural(activity.calls_last_minute, "call")}
      </Row>
      {isUnrouted && (
        <Row name="Note">None of its calls went through the scheduler: only an agent with the Signalbox plugin can be stopped.</Row>
      )}
    </dl>
  );
}

const Row = ({ name, children }: { name: string; children: React.ReactNode }) => (
  <div className="contents">
    <dt className="text-ink-2">{name}</dt>
    <dd className="tabular min-w-0">{children}</dd>
  </div>
);
