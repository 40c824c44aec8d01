/**
 * The parts of OpenClaw's plugin SDK that this plugin uses, as of 2026.9. OpenClaw resolves the modules at run time; it is no
 * dependency (650 MB). Everything that comes from it is `unknown` until looked at: it changes monthly.
 */

declare module "openclaw/plugin-sdk/plugin-entry" {
  export interface PluginApi {
    /** `full` in the gateway; `discovery` where agents run; others for the command line. */
    registrationMode: string;
    pluginConfig?: unknown;
    version?: string;
    logger?: { info?(message: string): void; warn?(message: string): void };
    on(hook: string, handler: (event: unknown, context: unknown) => unknown): void;
    /** Only in `full`. `stop` is called when the plugin is unloaded, at the gateway's end or while it runs. */
    registerService?(service: { id: string; start(): void; stop(): void | Promise<void> }): void;
  }
  export function definePluginEntry(entry: { id: string; name: string; description: string; register(api: PluginApi): void }): unknown;
}

declare module "openclaw/plugin-sdk/diagnostic-runtime" {
  /** Listeners run on the emitter's turn or on a queue just after it. Returns what ends the subscription. */
  export const onInternalDiagnosticEvent:
    | ((listener: (event: unknown) => void, filter?: { include?: readonly string[] }) => () => void)
    | undefined;
}

declare module "openclaw/plugin-sdk/agent-harness-runtime" {
  /** Ends the run of a session, by OpenClaw's own id of it. Returns whether there was one. Its descendants go on. */
  export const abortAgentHarnessRun: ((sessionId: string) => boolean) | undefined;
}
