"use client";
import { type ApiKey, postKeyRevoke } from "../../api/settings.ts";
import { Button } from "../../ui/button.tsx";
import { Modal } from "../../ui/modal.tsx";
import { ChangeError } from "../change-error.tsx";
import { useSettingsChange } from "./use-settings-change.ts";

export function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const revoke = useSettingsChange(() => postKeyRevoke(apiKey.key_id).then(onClose));
  return (
    <Modal
      title={`Revoke ${apiKey.name}?`}
      description="Whoever uses it is refused at once: agents can no longer send spans or call models with it. This cannot be undone."
      onClose={onClose}
    >
      <div className="mt-3">
        <ChangeError error={revoke.error} />
      </div>
      <div className="mt-4 flex justify-end gap-2">
        <Button onClick={onClose} data-first-focus>
          Cancel
        </Button>
        <Button tone="stop" blocked={revoke.isPending ? "Revoking" : undefined} onClick={() => revoke.mutate(undefined)}>
          Revoke key
        </Button>
      </div>
    </Modal>
  );
}
