import type { Task } from "./fleet.ts";
import type { Random } from "./random.ts";

/** What the agents say and which tools they use. Each draw comes from the seed. */

const PROMPTS: Record<Task, readonly [string, ...string[]]> = {
  heartbeat: [
    "Heartbeat. Read HEARTBEAT.md. If nothing needs attention, answer HEARTBEAT_OK.",
    "Heartbeat: last check was clean, load is normal. Anything to report?",
    "Heartbeat. Disk 61 %, queue 12, error rate 0.02 %. Answer OK or name the problem.",
  ],
  poll: [
    "Three new items since the last poll. Which of them need an answer today?",
    "Nothing new since 09:40 except one calendar change. File it or tell me.",
    "Two messages from customers came in. Sort them: urgent, today, later.",
  ],
  summary: [
    "Summarise this thread of 64 messages for someone who was away, in three lines.",
    "Write the digest of today: decisions first, then open questions, then who waits for whom.",
    "Here are the notes of a 40-minute meeting. What was decided, and by when?",
  ],
  coding: [
    "The retry test is flaky on CI. Find out why and mend it without sleeping in the test.",
    "Split the order handler: pricing is pure, the rest does I/O. Keep the public function.",
    "Review this diff. Say what breaks, not what you would have named differently.",
  ],
  research: ["Plan a team trip to Lisbon for nine people in May: flights from five cities, a house, three evenings. Compare everything."],
};

const CONTEXT_SENTENCES = [
  "The workspace holds the notes of the last two weeks.",
  "Earlier turns of this session are summarised above.",
  "Tools are available; use one only when the answer depends on it.",
  "Reply in the language of the person who asked.",
  "Do not repeat what was already reported.",
  "Times are in UTC, money is in euro unless it says otherwise.",
  "An answer that says that nothing changed is a good answer.",
] as const;

/** How many sentences of context a prompt carries: coding drags its files along, a heartbeat nothing. */
const CONTEXT_LENGTH: Record<Task, readonly [number, number]> = {
  heartbeat: [1, 3],
  poll: [3, 8],
  summary: [12, 24],
  coding: [20, 40],
  research: [8, 16],
};

export const TOOLS: Record<Task, readonly [string, ...string[]]> = {
  heartbeat: ["read"],
  poll: ["http_get", "memory_search"],
  summary: ["memory_search", "edit"],
  coding: ["read", "exec", "edit", "apply_patch"],
  research: ["web_search", "web_fetch"],
};

/** One read or write of a file that an agent keeps its memory in. */
export interface MemoryAccess {
  path: string;
  operation: "read" | "write";
  /** of a write: its lines, `-` before and `+` after */
  diff?: string;
}

/** Relative: each agent has its own. */
const OWN_MEMORY = "MEMORY.md";
const NOTES = [
  "- Ana wants decisions first, numbers after them.",
  "- The weekly report leaves on Friday at 15:00.",
  "- Do not mention customers by name in this channel.",
  "- Ben reads this on his phone: three lines at most.",
  "- Questions about invoices go to Dee.",
] as const;

/** What a tool call of the fleet does to memory: searches read what was found, digests note what they learnt. */
export function memoryOf(task: Task, tool: string, random: Random): MemoryAccess | undefined {
  if (tool === "memory_search") return { path: OWN_MEMORY, operation: "read" };
  if (tool === "edit" && task === "summary") return { path: OWN_MEMORY, operation: "write", diff: `+ ${random.pick(NOTES)}` };
  return undefined;
}

/** Absolute: what one agent notes there, others read. It is why the trip planner runs away. */
const TRAVEL_MEMORY = "/srv/agents/memory/travel.md";
export const TRAVEL_NOTE: MemoryAccess = {
  path: TRAVEL_MEMORY,
  operation: "write",
  diff: [
    "- - Trips: ask for a budget, then offer two options.",
    "+ - Trips: nothing is decided yet, so compare everything.",
    "+ - Give each city, each house and each evening a sub-agent of its own.",
  ].join("\n"),
};
export const TRAVEL_READ: MemoryAccess = { path: TRAVEL_MEMORY, operation: "read" };

export const RESEARCH_TOPICS = [
  "flights from Berlin",
  "flights from Warsaw",
  "flights from Oslo",
  "flights from Madrid",
  "flights from Leeds",
  "houses in Alfama",
  "houses in Chiado",
  "houses in Estrela",
  "restaurants for nine",
  "a fado evening",
  "a boat on the Tejo",
  "a day in Sintra",
  "trains to Cascais",
  "the weather in May",
  "museum hours",
  "airport transfers",
  "the cost of everything",
] as const;

export function promptFor(task: Task, random: Random): string {
  const [low, high] = CONTEXT_LENGTH[task];
  const context = Array.from({ length: random.between(low, high) }, () => random.pick(CONTEXT_SENTENCES));
  return [...context, random.pick(PROMPTS[task])].join(" ");
}
