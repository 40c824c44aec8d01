"use client";
import { CircleAlert, CircleCheck, Send } from "lucide-react";
import { type Destination, droppedOf, postTestSpan } from "../../api/settings.ts";
import { formatCompact, formatCount, formatShare } from "../../model/numbers.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { CopyText } from "../../ui/copy-text.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Ago } from "../../ui/time.tsx";
import { ChangeError } from "../change-error.tsx";
import { useSettingsChange } from "./use-settings-change.ts";

/** Other OTLP backends that get every trace: from the config file, with what became of it. */
export function DestinationList({ destinations }: { destinations: readonly Destination[] }) {
  if (destinations.length === 0)
    return (
      <div className="border-line border-t px-4 py-4 text-ink-2">
        <p>Nothing leaves this machine. To send traces to Jaeger, Tempo or any OTLP collector too, in signalbox.config.yaml:</p>
        <pre className="mt-2 overflow-x-auto rounded-md border border-line bg-sunken px-3 py-2 font-mono text-ink text-sm">
          {'fan_out:\n  - { name: jaeger, endpoint: "http://127.0.0.1:14318" }'}
        </pre>
      </div>
    );
  return (
    <ul aria-label="exports" className="border-line border-t">
      {destinations.map((destination) => (
        <Row key={destination.name} destination={destination} />
      ))}
    </ul>
  );
}

const STATES = {
  ok: { label: "idle", tone: "plain" },
  retrying: { label: "trying again", tone: "warn" },
  down: { label: "not answering", tone: "bad" },
} as const;
const DROPPED: Record<string, string> = {
  queue_full: "as the queue was full",
  refused: "refused there",
  rejected: "taken and rejected there",
  shutdown: "at a shutdown",
};

function Row({ destination }: { destination: Destination }) {
  const {
    name,
    url,
    state,
    content,
    sampling,
    sent_spans: sent,
    queued_spans: queued,
    queued_bytes,
    last_sent,
    last_failure,
  } = destination;
  const dropped = droppedOf(destination);
  const test = useSettingsChange(() => postTestSpan(name));
  const Icon = test.data?.delivered ? CircleCheck : CircleAlert;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-2.5 last:border-b-0">
      <div className="min-w-0 flex-1 basis-60">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium">{name}</span>
          <Badge tone={STATES[state].tone}>{state === "ok" && queued > 0 ? "sending" : STATES[state].label}</Badge>
          {content && <Badge tone="warn">with prompts and results</Badge>}
        </p>
        <p className="truncate font-mono text-ink-2 text-xs">{url}</p>
        <p className="tabular text-ink-2 text-sm">
          {formatCount(sent)} sent
          {last_sent && (
            <>
              , the last <Ago time={last_sent} />
            </>
          )}
          ; {formatCount(queued)} waiting{queued > 0 && ` (${formatCompact(queued_bytes)}B)`};{" "}
          <span className={dropped > 0 ? "text-warn" : undefined}>
            {formatCount(dropped)} dropped
            {dropped > 0 &&
              ` (${Object.entries(destination.dropped_spans)
                .flatMap(([reason, count]) => (count > 0 ? `${formatCount(count)} ${DROPPED[reason] ?? reason}` : []))
                .join(", ")})`}
          </span>
          {sampling < 1 && `; ${formatShare(sampling)} of traces`}
        </p>
        {last_failure && (
          <p className="break-words text-ink-2 text-sm">
            Last failure <Ago time={last_failure.at} />: <HostileText text={last_failure.reason} />
          </p>
        )}
        {test.data && (
          <div role="status" className={`flex items-start gap-1.5 text-sm ${test.data.delivered ? "text-good" : "text-bad"}`}>
            <Icon size={14} className="mt-0.5 shrink-0" aria-hidden />
            <span className="min-w-0 break-words">
              {test.data.delivered ? "It took the test span. Its trace id there: " : `The test span did not arrive: ${test.data.error}`}
              {test.data.delivered && <CopyText text={test.data.trace_id} label="trace id" />}
            </span>
          </div>
        )}
        <ChangeError error={test.error} />
      </div>
      <Button blocked={test.isPending ? "Waiting for the receiver" : undefined} onClick={() => test.mutate(undefined)}>
        <Send size={14} aria-hidden /> {test.isPending ? "Sending…" : "Send test span"}
      </Button>
    </li>
  );
}
