"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { BellRing, Check, Eye } from "lucide-react";
import Link from "next/link";
import { type Alert, alertPagesQuery, type Delivery } from "../../api/alert.ts";
import { postAcknowledge } from "../../api/alert-change.ts";
import { plural } from "../../model/numbers.ts";
import { epochMs, formatDuration } from "../../model/time.ts";
import { paths } from "../../paths.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Panel } from "../../ui/panel.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Ago } from "../../ui/time.tsx";
import { ChangeError } from "../change-error.tsx";
import { Unread } from "../unread.tsx";
import { useChange } from "./use-change.ts";

const LOOK = {
  firing: { icon: BellRing, tone: "text-bad", badge: "bad" },
  acknowledged: { icon: Eye, tone: "text-warn", badge: "warn" },
  resolved: { icon: Check, tone: "text-good", badge: "plain" },
} as const;

/** What fired, newest first, and what became of it. */
export function AlertHistory() {
  const query = useInfiniteQuery(alertPagesQuery());
  const alerts = query.data?.pages.flatMap((page) => page.data);
  return (
    <Panel title="History" flush>
      {alerts === undefined ? (
        <Unread query={query} skeleton={<SkeletonRows rows={4} height={56} />} />
      ) : alerts.length === 0 ? (
        <p className="border-line border-t px-4 py-4 text-ink-2">No rule has fired.</p>
      ) : (
        <>
          <ul aria-label="alerts" className="border-line border-t">
            {alerts.map((alert) => (
              <AlertRow key={alert.alert_id} alert={alert} />
            ))}
          </ul>
          {query.hasNextPage && (
            <button
              type="button"
              onClick={() => query.fetchNextPage()}
              className="h-10 w-full border-line border-t text-ink-2 hover:bg-hover hover:text-ink"
            >
              {query.isFetchingNextPage ? "Loading…" : "Show older alerts"}
            </button>
          )}
        </>
      )}
    </Panel>
  );
}

function AlertRow({ alert }: { alert: Alert }) {
  const acknowledge = useChange(() => postAcknowledge(alert.alert_id));
  const { icon: Icon, tone, badge } = LOOK[alert.state];
  return (
    <li data-row className="flex flex-wrap items-start gap-x-4 gap-y-2 border-line border-b px-4 py-2.5 last:border-b-0">
      <Icon size={15} className={`mt-0.5 shrink-0 ${tone}`} aria-hidden />
      <div className="min-w-0 flex-1 basis-60">
        <p className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          <span className="line-clamp-3 min-w-0 break-words">
            {alert.session_id === null ? (
              <HostileText text={alert.message} />
            ) : (
              <Link href={paths.session(alert.session_id)} prefetch={false} className="underline-offset-2 hover:underline">
                <HostileText text={alert.message} />
              </Link>
            )}
          </span>
          <Badge tone={badge}>{alert.state}</Badge>
          {alert.muted && <Badge>muted</Badge>}
        </p>
        <p className="line-clamp-3 break-words text-ink-2 text-sm">
          <HostileText text={alert.rule} /> · <Ago time={alert.time} />
          {alert.ended !== null && `, over after ${formatDuration(Math.max(0, epochMs(alert.ended) - epochMs(alert.time)))}`}
        </p>
        {alert.deliveries.length > 0 && (
          <ul aria-label="what was done" className="mt-1 flex flex-col gap-0.5 text-sm">
            {alert.deliveries.map((delivery, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: deliveries of one alert are only ever added
              <DeliveryLine key={index} delivery={delivery} />
            ))}
          </ul>
        )}
        <ChangeError error={acknowledge.error} />
      </div>
      {alert.state === "firing" && (
        <Button blocked={acknowledge.isPending ? "One moment" : undefined} onClick={() => acknowledge.mutate(undefined)}>
          Acknowledge
        </Button>
      )}
    </li>
  );
}

const DONE = { notify: "notified", reroute: "rerouted", pause: "paused", kill: "killed" } as const;
const TRYING = { notify: "notifying", reroute: "rerouting", pause: "pausing", kill: "killing" } as const;

function DeliveryLine({ delivery }: { delivery: Delivery }) {
  const { action, channel, occasion, state, attempts, last_error } = delivery;
  const to = action === "notify" ? ` ${channel ?? "a deleted channel"}` : "";
  const about = occasion === "resolved" ? " that it is over" : "";
  if (state === "delivered") {
    return (
      <li className="break-words text-ink-2">
        <HostileText
          text={`${DONE[action]}${to}${about}${receiptWords(delivery)}${attempts > 1 ? `, at the ${ordinal(attempts)} attempt` : ""}`}
        />
      </li>
    );
  }
  if (last_error === null) {
    return (
      <li className="break-words text-ink-2">
        <HostileText text={`${TRYING[action]}${to}${about}…`} />
      </li>
    );
  }
  return (
    <li className={state === "failed" ? "break-words text-bad" : "break-words text-warn"}>
      <HostileText
        text={`${TRYING[action]}${to} failed ${plural(attempts, "time")}: ${last_error}; ${state === "failed" ? "given up" : "trying again"}`}
      />
    </li>
  );
}

const ordinal = (count: number): string => `${count}${{ 1: "st", 2: "nd", 3: "rd" }[count] ?? "th"}`;

/** The numbers of a stop's receipt that say what it reached. */
function receiptWords({ action, receipt }: Delivery): string {
  if (action !== "kill" || receipt === null) return "";
  const descendants = Array.isArray(receipt.descendants) ? receipt.descendants.length : 0;
  const closed = typeof receipt.upstream_closed === "number" ? receipt.upstream_closed : 0;
  const unknown = Array.isArray(receipt.unknown) ? receipt.unknown.length : 0;
  const parts = [`with ${plural(descendants, "sub-agent")}`, `${plural(closed, "connection")} closed`];
  return ` ${[...parts, ...(unknown > 0 ? [`${unknown} not confirmed`] : [])].join(", ")}`;
}
