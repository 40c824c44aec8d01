"use client";
import { useState } from "react";
import { CHANNEL_KINDS, type ChannelKind } from "../../api/alert.ts";
import { postChannel } from "../../api/alert-change.ts";
import { Button } from "../../ui/button.tsx";
import { Modal } from "../../ui/modal.tsx";
import { ChangeError } from "../change-error.tsx";
import { CHANNEL_WORDS, type ChannelField, targetOf } from "./channel-fields.ts";
import { Choice } from "./choice.tsx";
import { useChange } from "./use-change.ts";

/** Where to send notifications. What is secret of it is stored sealed, and never shown again. */
export function ChannelDialog({ onClose }: { onClose: () => void }) {
  const [kind, setKind] = useState<ChannelKind>("webhook");
  const [name, setName] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  const add = useChange(postChannel, onClose);
  const { fields } = CHANNEL_WORDS[kind];
  const missing = [{ name: "name", label: "Name" }, ...fields].find(
    (field: ChannelField) => !field.isOptional && !(field.name === "name" ? name : values[field.name])?.trim(),
  );
  return (
    <Modal title="Add a channel" description="Its secrets are stored encrypted and never shown again." onClose={onClose}>
      <form
        className="mt-4 flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!missing && !add.isPending) add.mutate({ name: name.trim(), target: targetOf(kind, values) });
        }}
      >
        <div className="flex flex-col gap-1">
          <span className="label">Kind</span>
          <Choice
            label="kind"
            value={kind}
            options={CHANNEL_KINDS.map((value) => ({ value, label: CHANNEL_WORDS[value].name }))}
            onChange={setKind}
          />
        </div>
        <Field field={{ name: "name", label: "Name", placeholder: "on-call" }} value={name} onChange={setName} />
        {fields.map((field) => (
          <Field
            key={`${kind} ${field.name}`}
            field={field}
            value={values[field.name] ?? ""}
            onChange={(text) => setValues((before) => ({ ...before, [field.name]: text }))}
          />
        ))}
        <ChangeError error={add.error} />
        <div className="mt-2 flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" blocked={missing ? `${missing.label} is missing` : add.isPending ? "Saving" : undefined}>
            Add channel
          </Button>
        </div>
      </form>
    </Modal>
  );
}

const Field = ({ field, value, onChange }: { field: ChannelField; value: string; onChange: (text: string) => void }) => (
  <label className="block">
    <span className="label">{field.label}</span>
    <input
      type={field.isSecret ? "password" : "text"}
      autoComplete="off"
      value={value}
      maxLength={1000}
      placeholder={field.placeholder}
      onChange={(event) => onChange(event.target.value)}
      className="mt-1 h-8 w-full rounded-md border border-line-strong bg-surface px-2.5 placeholder:text-ink-3"
    />
  </label>
);
