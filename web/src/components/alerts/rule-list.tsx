"use client";
import { BellOff, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import type { AlertRule, Channel } from "../../api/alert.ts";
import { postRule, postRuleAction } from "../../api/alert-change.ts";
import { draftOf, durationWords, requestOf, STOP_WORDS, sentenceOf, stopOf } from "../../model/alert-rules.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { ClockTime } from "../../ui/time.tsx";
import { ChangeError } from "../change-error.tsx";
import { DeleteDialog } from "./delete-dialog.tsx";
import { useChange } from "./use-change.ts";

const MUTE_SECONDS = 3600;

export function RuleList({
  rules,
  channels,
  onEdit,
}: {
  rules: readonly AlertRule[];
  channels: readonly Channel[];
  onEdit: (id: string) => void;
}) {
  return (
    <ul aria-label="rules" className="border-line border-t">
      {rules.map((rule) => (
        <RuleRow key={rule.rule_id} rule={rule} channels={channels} onEdit={() => onEdit(rule.rule_id)} />
      ))}
    </ul>
  );
}

function RuleRow({ rule, channels, onEdit }: { rule: AlertRule; channels: readonly Channel[]; onEdit: () => void }) {
  const [isDeleting, setDeleting] = useState(false);
  const mute = useChange((seconds: number) => postRuleAction(rule.rule_id, "mute", { seconds }));
  const enable = useChange((enabled: boolean) =>
    postRule(rule.rule_id, { ...requestOf(draftOf(rule), rule.condition), name: rule.name, enabled }),
  );
  const sentence = `When ${sentenceOf(rule.condition)}${rule.for_seconds > 0 ? ` for at least ${durationWords(rule.for_seconds)}` : ""}`;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-2.5 last:border-b-0">
      <div className="min-w-0 flex-1 basis-72">
        <p className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          <span className={rule.enabled ? "min-w-0 break-words font-medium" : "min-w-0 break-words text-ink-2"}>
            <HostileText text={sentence} />
          </span>
          <State rule={rule} />
        </p>
        <p className="line-clamp-3 break-words text-ink-2 text-sm">
          <HostileText text={`${rule.name === sentenceOf(rule.condition) ? "" : `${rule.name} · `}${thenWords(rule, channels)}`} />
        </p>
        <ChangeError error={mute.error ?? enable.error} />
      </div>
      <div className="flex shrink-0 flex-wrap items-center gap-2">
        <Button
          blocked={mute.isPending ? "One moment" : undefined}
          title="While muted nobody is notified; a stop is still made"
          onClick={() => mute.mutate(rule.muted_until === null ? MUTE_SECONDS : 0)}
        >
          <BellOff size={14} aria-hidden /> {rule.muted_until === null ? "Mute 1 h" : "Unmute"}
        </Button>
        <Button blocked={enable.isPending ? "One moment" : undefined} onClick={() => enable.mutate(!rule.enabled)}>
          {rule.enabled ? "Switch off" : "Switch on"}
        </Button>
        <Button aria-label={`Change ${rule.name}`} title="Change" onClick={onEdit}>
          <Pencil size={14} aria-hidden />
        </Button>
        <Button aria-label={`Delete ${rule.name}`} title="Delete" onClick={() => setDeleting(true)}>
          <Trash2 size={14} aria-hidden />
        </Button>
      </div>
      {isDeleting && (
        <DeleteDialog
          title="Delete this rule?"
          says={`${sentence}: nobody will be told any more. What it has found stays in the history.`}
          change={() => postRuleAction(rule.rule_id, "delete")}
          onClose={() => setDeleting(false)}
        />
      )}
    </li>
  );
}

function State({ rule }: { rule: AlertRule }) {
  return (
    <>
      {!rule.enabled && <Badge>off</Badge>}
      {rule.enabled && rule.firing > 0 && <Badge tone="bad">firing: {rule.firing}</Badge>}
      {rule.muted_until !== null && (
        <Badge tone="warn">
          muted until <ClockTime time={rule.muted_until} />
        </Badge>
      )}
    </>
  );
}

function thenWords({ actions }: AlertRule, channels: readonly Channel[]): string {
  const stop = stopOf(actions);
  const told = actions.flatMap((action) =>
    action.do === "notify" ? (channels.find(({ channel_id }) => channel_id === action.channel_id)?.name ?? "a deleted channel") : [],
  );
  const parts = [...(told.length > 0 ? [`notify ${told.join(", ")}`] : []), ...(stop === null ? [] : [STOP_WORDS[stop]])];
  return parts.length === 0 ? "shown here only" : `then ${parts.join(" and ")}`;
}
