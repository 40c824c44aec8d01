"use client";
import { Button } from "../../ui/button.tsx";
import { Modal } from "../../ui/modal.tsx";
import { ChangeError } from "../change-error.tsx";
import { useChange } from "./use-change.ts";

export function DeleteDialog({
  title,
  says,
  change,
  onClose,
}: {
  title: string;
  says: string;
  change: () => Promise<unknown>;
  onClose: () => void;
}) {
  const remove = useChange<void, unknown>(change, onClose);
  return (
    <Modal title={title} description={says} onClose={onClose}>
      <div className="mt-3">
        <ChangeError error={remove.error} />
      </div>
      <div className="mt-4 flex justify-end gap-2">
        <Button onClick={onClose} data-first-focus>
          Cancel
        </Button>
        <Button tone="stop" blocked={remove.isPending ? "Deleting" : undefined} onClick={() => remove.mutate()}>
          Delete
        </Button>
      </div>
    </Modal>
  );
}
