/** Who is in the fleet that is seeded: its pools, the tasks that agents do, and the agents. Made up; prices in USD. */

export interface Pool {
  pool: string;
  silicon: "cpu" | "gpu" | "npu" | "cloud";
  hardware: string;
  provider: string;
  model: string;
  tier: number;
  inputUsdPerMtok: number;
  outputUsdPerMtok: number;
  prefillTokensPerMs: number;
  decodeMsPerToken: number;
}

/** Two pools serve qwen3-8b: the same model on other silicon is the point of the thing. */
export const POOLS: readonly Pool[] = [
  {
    pool: "epyc-a",
    silicon: "cpu",
    hardware: "AMD EPYC 7R13",
    provider: "signalbox",
    model: "qwen3-8b",
    tier: 0,
    inputUsdPerMtok: 0.04,
    outputUsdPerMtok: 0.35,
    prefillTokensPerMs: 0.9,
    decodeMsPerToken: 48,
  },
  {
    pool: "l40s",
    silicon: "gpu",
    hardware: "NVIDIA L40S",
    provider: "signalbox",
    model: "qwen3-8b",
    tier: 0,
    inputUsdPerMtok: 0.09,
    outputUsdPerMtok: 0.6,
    prefillTokensPerMs: 14,
    decodeMsPerToken: 11,
  },
  {
    pool: "ryzen-npu",
    silicon: "npu",
    hardware: "AMD Ryzen AI 9",
    provider: "signalbox",
    model: "qwen3-1.7b",
    tier: 0,
    inputUsdPerMtok: 0.01,
    outputUsdPerMtok: 0.08,
    prefillTokensPerMs: 2,
    decodeMsPerToken: 26,
  },
  {
    pool: "anthropic",
    silicon: "cloud",
    hardware: "",
    provider: "anthropic",
    model: "claude-opus-4-6",
    tier: 3,
    inputUsdPerMtok: 5,
    outputUsdPerMtok: 25,
    prefillTokensPerMs: 8,
    decodeMsPerToken: 16,
  },
];
export const BASELINE = { inputUsdPerMtok: 5, outputUsdPerMtok: 25 };

export interface Task {
  task: string;
  route: string;
  sla: "interactive" | "standard" | "background";
  input: [number, number];
  output: [number, number];
  tools: readonly string[];
  /** pool -> weight */
  pools: Readonly<Record<string, number>>;
}
export const TASKS: Readonly<Record<string, Task>> = {
  heartbeat: {
    task: "heartbeat",
    route: "heartbeats-to-cpu",
    sla: "background",
    input: [900, 2400],
    output: [12, 60],
    tools: ["read_file"],
    pools: { "epyc-a": 8, "ryzen-npu": 3 },
  },
  poll: {
    task: "poll",
    route: "background-to-cpu",
    sla: "background",
    input: [1500, 5000],
    output: [30, 160],
    tools: ["web_fetch", "inbox_list"],
    pools: { "epyc-a": 7, l40s: 1 },
  },
  summary: {
    task: "summary",
    route: "summaries",
    sla: "standard",
    input: [6000, 22000],
    output: [220, 900],
    tools: ["web_fetch", "read_file", "memory_search"],
    pools: { l40s: 6, "epyc-a": 3 },
  },
  research: {
    task: "research",
    route: "interactive-to-gpu",
    sla: "interactive",
    input: [18000, 90000],
    output: [300, 1400],
    tools: ["web_fetch", "web_search", "read_file"],
    pools: { l40s: 3, anthropic: 2 },
  },
  chat: {
    task: "chat",
    route: "interactive-to-gpu",
    sla: "interactive",
    input: [3000, 14000],
    output: [80, 420],
    tools: ["memory_search", "send_message"],
    pools: { l40s: 8, anthropic: 1 },
  },
  coding: {
    task: "coding",
    route: "coding-to-frontier",
    sla: "interactive",
    input: [12000, 60000],
    output: [300, 2200],
    tools: ["exec", "read_file", "apply_patch", "grep"],
    pools: { anthropic: 5, l40s: 3 },
  },
};

/** name, channel, task, user */
export const AGENTS: readonly (readonly [string, string, keyof typeof TASKS, string | null])[] = [
  ["scout", "telegram", "chat", "mira"],
  ["inbox-triage", "cron", "poll", null],
  ["standup", "slack", "summary", "acme/platform"],
  ["pager-watch", "cron", "heartbeat", null],
  ["release-notes", "slack", "summary", "acme/platform"],
  ["refactor", "cli", "coding", "jonas"],
  ["ticket-router", "cron", "poll", null],
  ["concierge", "telegram", "chat", "mira"],
  ["test-doctor", "cli", "coding", "jonas"],
  ["price-watch", "cron", "poll", null],
  ["digest", "slack", "summary", "acme/sales"],
  ["backup-check", "cron", "heartbeat", null],
  ["translator", "telegram", "chat", "lea"],
  ["lint-fixer", "cli", "coding", "ana"],
  ["crm-sync", "cron", "poll", null],
  ["meeting-notes", "slack", "summary", "acme/sales"],
  ["disk-watch", "cron", "heartbeat", null],
  ["onboarding", "slack", "chat", "acme/people"],
  ["migration", "cli", "coding", "ana"],
  ["news", "cron", "summary", null],
  ["cert-watch", "cron", "heartbeat", null],
  ["support", "telegram", "chat", "lea"],
  ["docs-writer", "cli", "coding", "jonas"],
  ["uptime", "cron", "heartbeat", null],
];
