import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { followControl } from "@signalbox/otel/control-client";
import { createProvider, type IsolatedProvider } from "@signalbox/otel/provider";
import packageJson from "../package.json" with { type: "json" };
import type { PluginConfig } from "./config.ts";
import { object, text } from "./host-values.ts";
import { createMapper, type HookName, type Mapper } from "./map.ts";
import { addRequestHeaders } from "./request-headers.ts";
import { type Abort, createStopSwitch } from "./stop.ts";

/**
 * What runs in OpenClaw's process: one mapper and one provider, however often the plugin is loaded.
 *
 * OpenClaw evaluates a plugin's module and calls `register` several times in one process ("full" in the gateway, "discovery"
 * where agents run, both again on a reload), each with module state of its own. So the state is on globalThis; a newer
 * registration takes over the listeners, and keeps what is known of turns under way where code and config are the same.
 */
export interface Plugin {
  diagnostic(event: unknown): void;
  /** Returns what the host is to be told, if anything. */
  hook(name: HookName, event: unknown, context: unknown): object | undefined;
  /** Follows what is to be stopped, where the config says by which token; once, however often it is called. */
  follow(): void;
  /** Closes what is open and sends it, within 500 ms: the gateway is going down. */
  drain(): Promise<void>;
  /** Replaces the event subscription. */
  listen(subscribe: () => () => void): void;
  /** Stops for good: ends subscriptions, sends what is queued within 500 ms. */
  stop(): Promise<void>;
}

interface State {
  /** Code version and config: a plugin of another one is stopped, not shared. */
  identity: string;
  plugin: Plugin;
  /** The loaded instance of the plugin that last said it runs. */
  owner: object | undefined;
}

const STATE = Symbol.for("signalbox");

function holder(): { openclaw?: State } {
  const root = globalThis as { [STATE]?: { openclaw?: State } };
  root[STATE] ??= {};
  return root[STATE];
}

/** The plugin of this process, if one runs. */
export const activePlugin = (): Plugin | undefined => holder().openclaw?.plugin;

/** The plugin of this process for this config; the one before it, if of another config or version, is stopped. */
export function sharedPlugin(config: PluginConfig, abort: Abort): Plugin {
  const shared = holder();
  const identity = JSON.stringify([packageJson.version, config]);
  if (shared.openclaw?.identity === identity) return shared.openclaw.plugin;
  void shared.openclaw?.plugin.stop();
  shared.openclaw = { identity, plugin: createPlugin(config, abort).plugin, owner: undefined };
  return shared.openclaw.plugin;
}

/** Says that a loaded instance runs: only its unloading, not that of one before it, stops the plugin. */
export function claimPlugin(owner: object): void {
  const { openclaw } = holder();
  if (openclaw !== undefined) openclaw.owner = owner;
}

/** An instance was unloaded. Stops the plugin where no newer instance has claimed it. */
export async function releasePlugin(owner: object): Promise<void> {
  const shared = holder();
  const { openclaw } = shared;
  if (openclaw === undefined || openclaw.owner !== owner) return;
  delete shared.openclaw;
  await openclaw.plugin.stop();
}

/** Milliseconds between looks at turns that ended with calls still open, and at a token file that is not there yet. */
const LOOK_MS = 1_000;
const TOKEN_MS = 10_000;

export function createPlugin(
  config: PluginConfig,
  abort: Abort = () => false,
): { plugin: Plugin; mapper: Mapper; provider: IsolatedProvider } {
  const mapper = createMapper({ schedulerProviders: new Set(config.providers), content: config.content });
  const provider = createProvider({
    serviceName: "openclaw",
    serviceVersion: packageJson.version,
    endpoint: config.otlpEndpoint,
    headers: config.key === undefined ? {} : { "x-signalbox-key": config.key },
  });
  const removeHeaders = addRequestHeaders(config.schedulerUrl, mapper);
  const stops = createStopSwitch(mapper, abort);
  let unsubscribe: (() => void) | undefined;
  let control: { close(): Promise<void> } | undefined;
  let stopped = false;
  const looking = setInterval(
    quietly(() => {
      for (const span of mapper.overdue(Date.now())) provider.emit(span);
    }),
    LOOK_MS,
  ).unref();
  let hurrying = false;
  const hurry = () => {
    if (hurrying) return;
    hurrying = true;
    void provider.flush(500).finally(() => {
      hurrying = false;
    });
  };

  const plugin: Plugin = {
    diagnostic: quietly((event: unknown) => {
      const spans = mapper.diagnostic(event);
      for (const span of spans) provider.emit(span);
      // A turn has ended: a process that ran just this one (`openclaw agent --local`) may exit at any moment.
      if (spans.length > 0 && text(object(event).type)?.startsWith("harness.run.")) hurry();
    }),
    hook(name, event, context) {
      quietly(() => mapper.hook(name, event, context))();
      return quietly(() => stops.answer(name, context))();
    },
    follow() {
      const { tokenFile, schedulerUrl } = config;
      if (control !== undefined || stopped || tokenFile === undefined) return;
      const token = readToken(tokenFile);
      if (token === undefined) {
        setTimeout(() => plugin.follow(), TOKEN_MS).unref();
        return;
      }
      control = followControl({
        schedulerUrl,
        token,
        ...(config.key !== undefined && { key: config.key }),
        subscriber: `openclaw on ${hostname()}, process ${process.pid}`,
        onConnect: (project) => stops.onProject(project),
        onEvent: (event) => stops.onEvent(event),
        onSnapshot: quietly((all) => stops.onSnapshot(all)),
      });
    },
    async drain() {
      for (const span of mapper.finish(Date.now())) provider.emit(span);
      await provider.flush(500);
    },
    listen(subscribe) {
      unsubscribe?.();
      unsubscribe = subscribe();
    },
    async stop() {
      stopped = true;
      unsubscribe?.();
      removeHeaders();
      clearInterval(looking);
      void control?.close();
      await provider.shutdown(500);
    },
  };
  return { plugin, mapper, provider };
}

/** Undefined where there is none yet: the first start of Signalbox makes it. */
function readToken(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Whatever goes wrong in here, the agent goes on. */
function quietly<A extends unknown[], R>(handle: (...args: A) => R): (...args: A) => R | undefined {
  return (...args) => {
    try {
      return handle(...args);
    } catch {
      // A span is lost; there is nowhere to say so that is not the host's.
      return undefined;
    }
  };
}
