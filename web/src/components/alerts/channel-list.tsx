"use client";
import { CircleAlert, CircleCheck, Send, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Channel } from "../../api/alert.ts";
import { postChannelDelete, postChannelTest } from "../../api/alert-change.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { ChangeError } from "../change-error.tsx";
import { CHANNEL_WORDS } from "./channel-fields.ts";
import { DeleteDialog } from "./delete-dialog.tsx";
import { useChange } from "./use-change.ts";

export function ChannelList({ channels }: { channels: readonly Channel[] }) {
  return (
    <ul aria-label="channels" className="border-line border-t">
      {channels.map((channel) => (
        <ChannelRow key={channel.channel_id} channel={channel} />
      ))}
    </ul>
  );
}

function ChannelRow({ channel }: { channel: Channel }) {
  const [isDeleting, setDeleting] = useState(false);
  const test = useChange(() => postChannelTest(channel.channel_id));
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-line border-b px-4 py-2.5 last:border-b-0">
      <div className="min-w-0 flex-1 basis-60">
        <p className="flex flex-wrap items-center gap-2">
          <span className="min-w-0 break-words font-medium">
            <HostileText text={channel.name} />
          </span>
          <Badge>{CHANNEL_WORDS[channel.kind].name}</Badge>
        </p>
        <p className="truncate text-ink-2 text-sm">
          <HostileText text={channel.summary} />
        </p>
        {test.data ? (
          <p role="status" className={`flex items-start gap-1.5 text-sm ${test.data.delivered ? "text-good" : "text-bad"}`}>
            {test.data.delivered ? (
              <CircleCheck size={14} className="mt-0.5 shrink-0" aria-hidden />
            ) : (
              <CircleAlert size={14} className="mt-0.5 shrink-0" aria-hidden />
            )}
            <span className="min-w-0 break-words">
              {test.data.delivered ? "The test was taken" : <HostileText text={`The test did not arrive: ${test.data.error}`} />}
            </span>
          </p>
        ) : (
          channel.last_error !== null && (
            <p className="break-words text-sm text-warn">
              last notification: <HostileText text={channel.last_error} />
            </p>
          )
        )}
        <ChangeError error={test.error} />
      </div>
      <div className="flex shrink-0 gap-2">
        <Button blocked={test.isPending ? "Waiting for the receiver" : undefined} onClick={() => test.mutate(undefined)}>
          <Send size={14} aria-hidden /> {test.isPending ? "Sending…" : "Send test"}
        </Button>
        <Button aria-label={`Delete ${channel.name}`} title="Delete" onClick={() => setDeleting(true)}>
          <Trash2 size={14} aria-hidden />
        </Button>
      </div>
      {isDeleting && (
        <DeleteDialog
          title={`Delete ${channel.name}?`}
          says="Rules that notify it will notify nobody there; what still waits for it is given up."
          change={() => postChannelDelete(channel.channel_id)}
          onClose={() => setDeleting(false)}
        />
      )}
    </li>
  );
}
