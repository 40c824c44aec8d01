/** A semaphore arm at "proceed" beside the name. */
export function Logo() {
  return (
    <span className="flex items-center gap-2 font-semibold tracking-tight">
      <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden>
        <path d="M4 1.5v15M1.5 16.5h5" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" fill="none" />
        <path d="M4 5.5 15.5 2.2v4.1L4 9.6z" fill="var(--gpu)" />
        <path d="m12 3.2 1.4-.4v4.1l-1.4.4z" fill="var(--page)" />
        <circle cx="4" cy="7.5" r="1.9" fill="currentColor" />
      </svg>
      Signalbox
    </span>
  );
}
