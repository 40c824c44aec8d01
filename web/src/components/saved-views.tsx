"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Bookmark, Trash2 } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useState } from "react";
import { postView, postViewDelete, type SavedView, viewsQuery } from "../api/view.ts";
import { viewAddress } from "../model/views.ts";
import { Button } from "../ui/button.tsx";
import { HostileText } from "../ui/hostile-text.tsx";
import { Modal } from "../ui/modal.tsx";
import { Skeleton } from "../ui/skeleton.tsx";
import { ChangeError } from "./change-error.tsx";
import { usePageAction } from "./palette/palette-state.ts";
import { Resource } from "./resource.tsx";

/** The views of this page that were saved, and a name for the one that is shown: the same for everyone, on every machine. */
export function SavedViews() {
  const [isOpen, setOpen] = useState(false);
  usePageAction("Save this view", true, () => setOpen(true));
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Bookmark size={14} aria-hidden /> Views
      </Button>
      {isOpen && <ViewsDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function ViewsDialog({ onClose }: { onClose: () => void }) {
  const page = usePathname();
  const views = useQuery(viewsQuery());
  const client = useQueryClient();
  const stale = () => client.invalidateQueries({ queryKey: ["views"] });
  const save = useMutation({ mutationFn: postView, onSuccess: stale });
  const remove = useMutation({ mutationFn: postViewDelete, onSuccess: stale });
  const [name, setName] = useState("");
  const blocked = name.trim() === "" ? "A name is missing" : save.isPending ? "Saving" : undefined;
  return (
    <Modal
      title="Saved views"
      description="Filters, range and order of this page under a name, for everyone who uses this database."
      onClose={onClose}
    >
      <div className="mt-4">
        <Resource query={views} skeleton={<Skeleton className="h-8 w-full" />}>
          {({ data }) => (
            <ViewList views={data.filter((view) => view.page === page)} onOpen={onClose} onRemove={(id) => remove.mutate(id)} />
          )}
        </Resource>
      </div>
      <form
        className="mt-4 flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (!blocked) save.mutate({ page, name: name.trim(), query: window.location.search.slice(1) }, { onSuccess: () => setName("") });
        }}
      >
        <label className="min-w-0 flex-1">
          <span className="label">Save what is shown as</span>
          <input
            value={name}
            maxLength={80}
            autoComplete="off"
            onChange={(event) => setName(event.target.value)}
            className="mt-1 h-8 w-full rounded-md border border-line-strong bg-surface px-2.5"
          />
        </label>
        <Button type="submit" blocked={blocked}>
          Save
        </Button>
      </form>
      <div className="mt-2">
        <ChangeError error={save.error ?? remove.error} />
      </div>
    </Modal>
  );
}

function ViewList({ views, onOpen, onRemove }: { views: readonly SavedView[]; onOpen: () => void; onRemove: (id: string) => void }) {
  if (views.length === 0) return <p className="text-ink-3">None of this page yet.</p>;
  return (
    <ul aria-label="saved views" className="overflow-hidden rounded-md border border-line">
      {views.map((view) => (
        <li key={view.view_id} className="flex items-center border-line border-b last:border-b-0">
          <Link
            href={viewAddress(view)}
            prefetch={false}
            onClick={onOpen}
            className="min-w-0 flex-1 truncate px-3 py-2 outline-offset-[-2px] hover:bg-hover"
          >
            <HostileText text={view.name} />
          </Link>
          <button
            type="button"
            aria-label={`Delete the view ${view.name}`}
            title="Delete"
            onClick={() => onRemove(view.view_id)}
            className="grid size-8 place-items-center text-ink-3 outline-offset-[-2px] hover:text-bad"
          >
            <Trash2 size={14} aria-hidden />
          </button>
        </li>
      ))}
    </ul>
  );
}
