/**
 * What an OpenClaw session key says by itself:
 *
 *     agent:main:main                              the operator's own session
 *     agent:main:telegram:direct:123               a person on a channel
 *     agent:main:telegram:group:-100:topic:42
 *     agent:main:cron:nightly:run:r1               a scheduled job
 *     agent:main:subagent:<uuid>                   a sub-agent; its parent is not in the key
 */
export interface SessionKey {
  /** The configured agent, e.g. `main`. */
  agentName: string;
  kind: "main" | "channel" | "cron" | "heartbeat" | "subagent" | "other";
  /** `main`, `telegram`, `slack`, `cron`, …; undefined for a sub-agent (its spawner's) and where the key does not say. */
  channel: string | undefined;
}

/** Second parts of keys that are OpenClaw's own and not a channel's name. */
const OWN_KINDS: Readonly<Record<string, SessionKey["kind"]>> = {
  cron: "cron",
  subagent: "subagent",
  heartbeat: "heartbeat",
  main: "main",
};
const PEER_KINDS = new Set(["direct", "dm", "group", "channel", "thread", "topic", "room", "user", "account"]);

/** Never fails: a key of another form is `other`, under the agent name `main`. */
export function parseSessionKey(key: string): SessionKey {
  const [prefix, agentName = "main", scope = "", peer = ""] = key.split(":");
  if (prefix !== "agent" || scope === "")
    return { agentName: "main", kind: key === "heartbeat" ? "heartbeat" : "other", channel: undefined };
  // A heartbeat of its own runs under a key that ends so: agent:main:main:heartbeat.
  if (key.endsWith(":heartbeat")) return { agentName, kind: "heartbeat", channel: "heartbeat" };
  if (key.includes(":subagent:")) return { agentName, kind: "subagent", channel: undefined };
  const own = OWN_KINDS[scope];
  if (own === "cron") return { agentName, kind: "cron", channel: "cron" };
  if (own === "heartbeat") return { agentName, kind: "heartbeat", channel: "heartbeat" };
  if (own === "main") return { agentName, kind: "main", channel: "main" };
  return PEER_KINDS.has(peer) ? { agentName, kind: "channel", channel: scope } : { agentName, kind: "other", channel: undefined };
}
