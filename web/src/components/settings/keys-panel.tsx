"use client";
import { useQuery } from "@tanstack/react-query";
import { FileText, KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { type ApiKey, keysQuery, settingsQuery } from "../../api/settings.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Panel } from "../../ui/panel.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Ago } from "../../ui/time.tsx";
import { usePageAction } from "../palette/palette-state.ts";
import { Resource } from "../resource.tsx";
import { KeyDialog } from "./key-dialog.tsx";
import { RevokeDialog } from "./revoke-dialog.tsx";

const PURPOSE = { agents: "agents send and call models", read: "reads the API" } as const;

/** Keys made here, and the names of those in the config file. */
export function KeysPanel() {
  const keys = useQuery(keysQuery());
  const settings = useQuery(settingsQuery());
  const [isMaking, setMaking] = useState(false);
  usePageAction("Make a key", true, () => setMaking(true));
  return (
    <Panel
      title="Keys"
      flush
      aside={
        <Button onClick={() => setMaking(true)}>
          <Plus size={14} aria-hidden /> New key
        </Button>
      }
    >
      <Resource query={keys} skeleton={<SkeletonRows rows={3} height={52} />}>
        {({ data }) => (
          <ul aria-label="keys" className="border-line border-t">
            {data.map((key) => (
              <KeyRow key={key.key_id} apiKey={key} />
            ))}
            {settings.data?.config_keys.map(({ name, project }) => (
              <li key={name} className="flex items-center gap-3 border-line border-b px-4 py-2.5 last:border-b-0">
                <FileText size={14} className="shrink-0 text-ink-3" aria-hidden />
                <div className="min-w-0 flex-1">
                  <p className="font-medium">{name === ADMIN ? "Admin token" : name}</p>
                  <p className="text-ink-2 text-sm">
                    {name === ADMIN
                      ? "opens everything; in $SIGNALBOX_HOME/token, or SIGNALBOX_TOKEN"
                      : `in the config file, under keys: change it there${project === null ? "" : `; project ${project}`}`}
                  </p>
                </div>
              </li>
            ))}
          </ul>
        )}
      </Resource>
      <p className="border-line border-t px-4 py-2.5 text-ink-2 text-sm">
        Bound to loopback and without <code>keys:</code> in the config file, agents need no key; a wrong or revoked one is refused all the
        same.
      </p>
      {isMaking && <KeyDialog onClose={() => setMaking(false)} />}
    </Panel>
  );
}

const ADMIN = "SIGNALBOX_TOKEN";

function KeyRow({ apiKey }: { apiKey: ApiKey }) {
  const [isRevoking, setRevoking] = useState(false);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-b px-4 py-2.5 last:border-b-0">
      <KeyRound size={14} className="shrink-0 text-ink-2" aria-hidden />
      <div className="min-w-0 flex-1 basis-56">
        <p className="flex flex-wrap items-center gap-2">
          <span className="line-clamp-2 min-w-0 break-words font-medium">
            <HostileText text={apiKey.name} />
          </span>
          <span className="font-mono text-ink-3 text-xs">…{apiKey.hint}</span>
          {apiKey.revoked !== null && <Badge>revoked</Badge>}
        </p>
        <p className="line-clamp-3 break-words text-ink-2 text-sm">
          {PURPOSE[apiKey.purpose]}, <HostileText text={apiKey.project === null ? "every project" : `project ${apiKey.project}`} />; made{" "}
          <Ago time={apiKey.created} />
        </p>
      </div>
      {apiKey.revoked === null && (
        <Button aria-label={`Revoke ${apiKey.name}`} onClick={() => setRevoking(true)}>
          Revoke
        </Button>
      )}
      {isRevoking && <RevokeDialog apiKey={apiKey} onClose={() => setRevoking(false)} />}
    </li>
  );
}
