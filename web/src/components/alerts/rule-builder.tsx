"use client";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { type Channel, type ConditionKind, STOPS } from "../../api/alert.ts";
import { postRule } from "../../api/alert-change.ts";
import { facetsQuery } from "../../api/facets.ts";
import {
  conditionOf,
  durationWords,
  HOLDS,
  isStoppable,
  KIND_WORDS,
  newDraft,
  PER_WORDS,
  type RuleDraft,
  requestOf,
  STOP_WORDS,
  sentenceOf,
  WINDOWS,
} from "../../model/alert-rules.ts";
import { Button } from "../../ui/button.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Toggle } from "../../ui/toggle.tsx";
import { ChangeError } from "../change-error.tsx";
import { Choice } from "./choice.tsx";
import { RulePreview } from "./rule-preview.tsx";
import { useChange } from "./use-change.ts";

const KIND_ORDER = Object.keys(KIND_WORDS) as ConditionKind[];

/** A rule as a sentence whose words can be changed, with what it would have done before it is saved. */
export function RuleBuilder({
  ruleId,
  isEnabled,
  start,
  channels,
  onAddChannel,
  onClose,
}: {
  ruleId: string | null;
  isEnabled: boolean;
  start: RuleDraft;
  channels: readonly Channel[];
  onAddChannel: () => void;
  onClose: () => void;
}) {
  const [draft, setDraft] = useState(start);
  const change = (part: Partial<RuleDraft>) => setDraft((before) => ({ ...before, ...part }));
  const facets = useQuery(facetsQuery()).data;
  const condition = conditionOf(draft);
  const words = KIND_WORDS[draft.kind];
  const save = useChange((asked: Parameters<typeof postRule>[1]) => postRule(ruleId, asked), onClose);
  const first = useRef<HTMLDivElement>(null);
  useEffect(() => first.current?.querySelector("select")?.focus(), []);
  const agents = facets?.agents ?? [];
  const canStop = isStoppable(draft);

  return (
    <Panel title={ruleId === null ? "New rule" : "Change rule"}>
      <form
        aria-label="rule"
        onSubmit={(event) => {
          event.preventDefault();
          if (condition && !save.isPending) save.mutate({ ...requestOf(draft, condition), enabled: isEnabled });
        }}
        className="flex flex-col gap-4"
      >
        <div ref={first} className="flex flex-col gap-3 text-lg">
          <Line name="When">
            {draft.kind === "silence" ? (
              <Agents first={PER_WORDS.all} agents={agents} value={draft.agent} onChange={(agent) => change({ agent })} />
            ) : (
              <Choice
                label="who"
                value={draft.per}
                options={words.per.map((value) => ({ value, label: PER_WORDS[value] }))}
                onChange={(per) => change({ per, agent: hasAgent(per) ? draft.agent : null })}
              />
            )}
            {draft.kind !== "silence" && hasAgent(draft.per) && (
              <>
                <span className="text-ink-2">of</span>
                <Agents first="any agent" agents={agents} value={draft.agent} onChange={(agent) => change({ agent })} />
              </>
            )}
            <Choice
              label="what happens"
              value={draft.kind}
              options={KIND_ORDER.map((value) => ({ value, label: KIND_WORDS[value].verb }))}
              onChange={(kind) => setDraft({ ...newDraft(kind), stop: draft.stop, channels: draft.channels, name: draft.name })}
            />
            <Amount
              unit={words.unit}
              value={draft.threshold}
              isWrong={condition === null}
              onChange={(threshold) => change({ threshold })}
            />
            {words.what && <span>{words.what}</span>}
            {words.window && (
              <>
                <span className="text-ink-2">within</span>
                <Choice
                  label="window"
                  value={String(draft.windowSeconds)}
                  options={[...new Set([...WINDOWS, draft.windowSeconds])]
                    .sort((a, b) => a - b)
                    .map((seconds) => ({ value: String(seconds), label: durationWords(seconds) }))}
                  onChange={(seconds) => change({ windowSeconds: Number(seconds) })}
                />
              </>
            )}
            <Choice
              label="how long it must hold"
              value={String(draft.forSeconds)}
              options={[...new Set([...HOLDS, draft.forSeconds])]
                .sort((a, b) => a - b)
                .map((seconds) => ({
                  value: String(seconds),
                  label: seconds === 0 ? "at once" : `for at least ${durationWords(seconds)}`,
                }))}
              onChange={(seconds) => change({ forSeconds: Number(seconds) })}
            />
          </Line>
          <Line name="then">
            <fieldset className="flex flex-wrap items-center gap-2">
              <legend className="sr-only">notify</legend>
              <span className="text-ink-2">notify</span>
              {channels.map(({ channel_id, name }) => (
                <Toggle
                  key={channel_id}
                  on={draft.channels.includes(channel_id)}
                  onChange={(on) =>
                    change({ channels: on ? [...draft.channels, channel_id] : draft.channels.filter((id) => id !== channel_id) })
                  }
                >
                  {name}
                </Toggle>
              ))}
              <button type="button" onClick={onAddChannel} className="text-ink-2 text-sm underline underline-offset-2 hover:text-ink">
                {channels.length === 0 ? "nobody yet: add a channel" : "add a channel"}
              </button>
            </fieldset>
            {canStop && (
              <>
                <span className="text-ink-2">and</span>
                <Choice
                  label="what is done to it"
                  value={draft.stop ?? ""}
                  options={[{ value: "", label: "let it run" }, ...STOPS.map((value) => ({ value, label: STOP_WORDS[value] }))]}
                  onChange={(stop) => change({ stop: STOPS.find((known) => known === stop) ?? null })}
                />
              </>
            )}
          </Line>
        </div>
        <RulePreview condition={condition && requestOf(draft, condition).condition} forSeconds={draft.forSeconds} kind={draft.kind} />
        <label className="block max-w-xl">
          <span className="label">Name</span>
          <input
            value={draft.name}
            maxLength={200}
            placeholder={condition ? sentenceOf(condition) : ""}
            onChange={(event) => change({ name: event.target.value })}
            className="mt-1 h-8 w-full rounded-md border border-line-strong bg-surface px-2.5 placeholder:text-ink-3"
          />
        </label>
        <ChangeError error={save.error} />
        <div className="flex flex-wrap gap-2">
          <Button
            type="submit"
            tone={draft.stop === "kill" && canStop ? "danger" : "plain"}
            blocked={condition === null ? "The threshold must be a number above 0" : save.isPending ? "Saving" : undefined}
          >
            {ruleId === null ? "Create rule" : "Save changes"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Panel>
  );
}

/** Whose sessions can be named beside what is counted. */
const hasAgent = (per: RuleDraft["per"]): boolean => per === "session" || per === "route";

function Agents({
  first,
  agents,
  value,
  onChange,
}: {
  first: string;
  agents: readonly string[];
  value: string | null;
  onChange: (agent: string | null) => void;
}) {
  // a rule may name one that has not been seen for long
  const all = value === null || agents.includes(value) ? agents : [value, ...agents];
  return (
    <Choice
      label="agent"
      value={value ?? ""}
      options={[{ value: "", label: first }, ...all.map((name) => ({ value: name, label: name }))]}
      onChange={(agent) => onChange(agent || null)}
    />
  );
}

const Line = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="flex flex-wrap items-center gap-x-2 gap-y-2">
    <span className="w-12 shrink-0 text-ink-2">{name}</span>
    {children}
  </div>
);

const SIGN = { usd: ["$", ""], count: ["", ""], share: ["", "%"], minutes: ["", "min"] } as const;

function Amount({
  unit,
  value,
  isWrong,
  onChange,
}: {
  unit: keyof typeof SIGN;
  value: string;
  isWrong: boolean;
  onChange: (value: string) => void;
}) {
  const [before, after] = SIGN[unit];
  return (
    <span className="inline-flex items-center gap-1">
      {before && <span aria-hidden>{before}</span>}
      <input
        aria-label="threshold"
        aria-invalid={isWrong}
        inputMode="decimal"
        value={value}
        maxLength={12}
        onChange={(event) => onChange(event.target.value)}
        className="tabular h-8 w-20 rounded-md border border-line-strong bg-surface px-2 text-right font-medium text-base aria-invalid:border-bad"
      />
      {after && <span aria-hidden>{after}</span>}
    </span>
  );
}
