import type { SlaClass } from "@signalbox/otel/conventions";

/** What an agent is for; the scheduler sees it as `x-signalbox-task`. */
export type Task = "heartbeat" | "poll" | "summary" | "coding" | "research";

/** Whether a human waits for the answer. */
export const TASK_SLA: Record<Task, SlaClass> = {
  heartbeat: "background",
  poll: "background",
  summary: "standard",
  coding: "interactive",
  research: "interactive",
};

export interface FleetMember {
  name: string;
  task: Task;
  channel: string;
  /** the session key, in OpenClaw's form */
  sessionId: string;
  user: string;
  /** seconds between its turns */
  everySeconds: number;
}

/** One thread of one Telegram group, where one request turns into 17 sub-agents. */
export const RUNAWAY_SESSION = "agent:main:telegram:group:-1001234567890:topic:42";
export const RUNAWAY_SUB_AGENTS = 17;
/** Who leaves the note that the runaway acts on. */
export const TRAVEL_NOTER = "thread-digest";

const heartbeat = (name: string, everySeconds: number): FleetMember => ({
  name,
  task: "heartbeat",
  channel: "cron",
  sessionId: `agent:${name}:cron:heartbeat`,
  user: "ops",
  everySeconds,
});
const member = (name: string, task: Task, key: string, user: string, everySeconds: number): FleetMember => ({
  name,
  task,
  channel: key.split(":")[0] === "main" ? "cli" : (key.split(":")[0] ?? ""),
  sessionId: `agent:${name}:${key}`,
  user,
  everySeconds,
});

/** The 24 agents. The last one is the runaway. */
export const FLEET: readonly FleetMember[] = [
  heartbeat("uptime-watch", 5),
  heartbeat("disk-watch", 6),
  heartbeat("cert-watch", 8),
  heartbeat("backup-check", 8),
  heartbeat("queue-depth", 5),
  heartbeat("deploy-watch", 6),
  heartbeat("price-watch", 7),
  heartbeat("leak-watch", 8),
  member("mail-triage", "poll", "whatsapp:direct:491701234567", "ana", 8),
  member("calendar", "poll", "cron:calendar-sync", "ana", 9),
  member("issue-poll", "poll", "slack:channel:C04ENG", "ben", 8),
  member("feed-reader", "poll", "cron:feeds", "chi", 9),
  member("crm-sync", "poll", "slack:channel:C07SALES", "dee", 10),
  member("standup-notes", "summary", "slack:channel:C01STANDUP", "ben", 12),
  member("meeting-notes", "summary", "slack:direct:U02BEN", "ben", 14),
  member("thread-digest", "summary", "telegram:group:-1009876543210", "chi", 12),
  member("news-brief", "summary", "telegram:direct:52810331", "ana", 15),
  member("support-digest", "summary", "discord:channel:118820", "dee", 12),
  member("sales-digest", "summary", "whatsapp:group:sales-emea", "dee", 15),
  member("refactor-bot", "coding", "main", "ben", 11),
  member("test-writer", "coding", "main", "eli", 12),
  member("docs-bot", "coding", "main", "eli", 14),
  member("review-bot", "coding", "slack:channel:C05REVIEW", "ben", 12),
  {
    name: "trip-planner",
    task: "research",
    channel: "telegram",
    sessionId: RUNAWAY_SESSION,
    user: "chi",
    everySeconds: Number.POSITIVE_INFINITY,
  },
];
