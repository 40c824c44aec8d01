/** What must be let go of before the process ends: open live connections would hold the server's close for ever. */
const shared = globalThis as typeof globalThis & { signalboxShutdown?: Set<() => void> };
shared.signalboxShutdown ??= new Set();
const hooks = shared.signalboxShutdown;

/** Runs at SIGTERM or SIGINT. Returns how to take it back. */
export function onShutdown(hook: () => void): () => void {
  hooks.add(hook);
  return () => hooks.delete(hook);
}

export function runShutdownHooks(): void {
  for (const hook of [...hooks]) hook();
}
