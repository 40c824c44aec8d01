"use client";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { classNames } from "./class-names.ts";
import { HostileText } from "./hostile-text.tsx";

/**
 * A box over the page: the browser's own dialog, which keeps the focus inside, closes on Escape and gives the focus back. (A
 * library's would write a style element, which the content-security policy refuses.)
 */
export function Dialog({
  label,
  labelledBy,
  onClose,
  className,
  children,
}: {
  label?: string;
  labelledBy?: string;
  onClose: () => void;
  className: string;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    if (current && !current.open) current.showModal();
    // what is safe to press by mistake
    current?.querySelector<HTMLElement>("[data-first-focus]")?.focus();
    return () => current?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same
    <dialog
      ref={dialog}
      aria-label={label}
      aria-labelledby={labelledBy}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // only the backdrop is the dialog itself: everything else is inside its box
      onClick={(event) => event.target === event.currentTarget && onClose()}
      className={classNames(
        "m-0 max-w-none border outline-none border-line bg-raised p-0 text-ink shadow-pop backdrop:bg-black/45",
        className,
      )}
    >
      {children}
    </dialog>
  );
}

/** A dialog with a title: at the foot of a phone, above the middle of a desk. */
export function Modal({
  onClose,
  title,
  description,
  children,
}: {
  onClose: () => void;
  title: string;
  description?: string;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <Dialog
      labelledBy={id}
      onClose={onClose}
      className="fixed inset-x-3 top-auto bottom-3 max-h-[calc(100dvh-24px)] w-auto overflow-y-auto rounded-lg sm:inset-x-auto sm:top-[14vh] sm:bottom-auto sm:left-[calc(50%-230px)] sm:w-[460px]"
    >
      <div className="p-5">
        <h2 id={id} className="line-clamp-3 break-words font-semibold text-lg">
          <HostileText text={title} />
        </h2>
        {description && (
          <p className="mt-1 break-words text-ink-2">
            <HostileText text={description} />
          </p>
        )}
        {children}
      </div>
    </Dialog>
  );
}
