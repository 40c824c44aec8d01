"use client";
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useQueryStates } from "nuqs";
import { useState } from "react";
import { alertRulesQuery, channelsQuery } from "../../api/alert.ts";
import { draftOf, newDraft } from "../../model/alert-rules.ts";
import { alertsParams } from "../../search-params.ts";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/notice.tsx";
import { PageHeader } from "../../ui/page-header.tsx";
import { Panel } from "../../ui/panel.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { AlertHistory } from "./alert-history.tsx";
import { ChannelDialog } from "./channel-dialog.tsx";
import { ChannelList } from "./channel-list.tsx";
import { RuleBuilder } from "./rule-builder.tsx";
import { RuleList } from "./rule-list.tsx";

/** What is watched for, who is told, and what has happened. */
export function AlertsPage() {
  const [{ edit }, setParams] = useQueryStates(alertsParams);
  const [isAdding, setAdding] = useState(false);
  const rules = useQuery(alertRulesQuery());
  const channels = useQuery(channelsQuery());
  const edited = rules.data?.data.find((rule) => rule.rule_id === edit);
  const close = () => void setParams({ edit: null });
  return (
    <Frame>
      <PageHeader title="Alerts">
        {edit === null && (
          <Button onClick={() => setParams({ edit: "new" })}>
            <Plus size={14} aria-hidden /> New rule
          </Button>
        )}
      </PageHeader>
      {(edit === "new" || edited) && (
        <RuleBuilder
          key={edit}
          ruleId={edited?.rule_id ?? null}
          isEnabled={edited?.enabled ?? true}
          start={edited ? draftOf(edited) : newDraft("session_cost")}
          channels={channels.data?.data ?? []}
          onAddChannel={() => setAdding(true)}
          onClose={close}
        />
      )}
      <Panel title="Rules" flush>
        <Resource query={rules} skeleton={<SkeletonRows rows={3} height={56} />}>
          {({ data }) =>
            data.length === 0 ? (
              <EmptyState title="Nothing is watched yet">
                A rule tells you, or stops a session by itself, when something goes wrong: a session that costs too much, an agent that
                spawns without end, a fleet that has gone silent.
              </EmptyState>
            ) : (
              <RuleList rules={data} channels={channels.data?.data ?? []} onEdit={(id) => void setParams({ edit: id })} />
            )
          }
        </Resource>
      </Panel>
      <AlertHistory />
      <Panel
        title="Channels"
        flush
        aside={
          <Button onClick={() => setAdding(true)}>
            <Plus size={14} aria-hidden /> Add channel
          </Button>
        }
      >
        <Resource query={channels} skeleton={<SkeletonRows rows={2} />}>
          {({ data }) =>
            data.length === 0 ? (
              <p className="border-line border-t px-4 py-4 text-ink-2">
                Nobody is told yet: alerts show here and on the Overview. Add a webhook, Slack, Telegram, PagerDuty or e-mail.
              </p>
            ) : (
              <ChannelList channels={data} />
            )
          }
        </Resource>
      </Panel>
      {isAdding && <ChannelDialog onClose={() => setAdding(false)} />}
    </Frame>
  );
}
