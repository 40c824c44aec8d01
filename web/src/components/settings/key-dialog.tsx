"use client";
import { useState } from "react";
import { type KeyRequest, postKey } from "../../api/settings.ts";
import { Button } from "../../ui/button.tsx";
import { CopyText } from "../../ui/copy-text.tsx";
import { Modal } from "../../ui/modal.tsx";
import { Segmented } from "../../ui/segmented.tsx";
import { ChangeError } from "../change-error.tsx";
import { useSettingsChange } from "./use-settings-change.ts";

const PURPOSES = [
  { value: "agents", label: "For agents" },
  { value: "read", label: "To read the API" },
] as const;
const SAYS = {
  agents: "Sends OTLP to the collector and calls models through the gateway. Of one project: all it sends counts there.",
  read: "Reads /api/v1 and changes nothing. Of one project: it sees that project's sessions, cost, decisions and memory, and nothing else.",
} as const;
const INPUT = "mt-1 h-8 w-full rounded-md border border-line-strong bg-surface px-2.5 placeholder:text-ink-3";

export function KeyDialog({ onClose }: { onClose: () => void }) {
  const make = useSettingsChange(postKey);
  return make.data ? <NewKey value={make.data.key} onClose={onClose} /> : <KeyForm make={make} onClose={onClose} />;
}

function KeyForm({ make, onClose }: { make: ReturnType<typeof useSettingsChange<KeyRequest, unknown>>; onClose: () => void }) {
  const [name, setName] = useState("");
  const [project, setProject] = useState("");
  const [purpose, setPurpose] = useState<KeyRequest["purpose"]>("agents");
  const blocked = name.trim() === "" ? "A name is missing" : make.isPending ? "Making it" : undefined;
  return (
    <Modal title="New key" description={SAYS[purpose]} onClose={onClose}>
      <form
        className="mt-4 flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!blocked) make.mutate({ name: name.trim(), purpose, project: project.trim() || null });
        }}
      >
        <Segmented label="purpose" value={purpose} options={PURPOSES} onChange={setPurpose} />
        <label className="block">
          <span className="label">Name</span>
          <input
            value={name}
            maxLength={100}
            placeholder="build server"
            autoComplete="off"
            onChange={(event) => setName(event.target.value)}
            className={INPUT}
          />
        </label>
        <label className="block">
          <span className="label">Project (empty: every project)</span>
          <input
            value={project}
            maxLength={100}
            autoComplete="off"
            onChange={(event) => setProject(event.target.value)}
            className={INPUT}
          />
        </label>
        <ChangeError error={make.error} />
        <div className="mt-2 flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" blocked={blocked}>
            Make key
          </Button>
        </div>
      </form>
    </Modal>
  );
}

const NewKey = ({ value, onClose }: { value: string; onClose: () => void }) => (
  <Modal title="Copy the key now" description="It is stored as a hash only: nobody can show it again." onClose={onClose}>
    <div className="mt-4 rounded-md border border-line bg-sunken px-3 py-2.5">
      <CopyText text={value} label="key" className="[&>span]:whitespace-normal [&>span]:break-all" />
    </div>
    <p className="mt-3 text-ink-2 text-sm">
      Send it as <code>Authorization: Bearer</code> or <code>x-signalbox-key</code>.
    </p>
    <div className="mt-4 flex justify-end">
      <Button onClick={onClose}>I have copied it</Button>
    </div>
  </Modal>
);
