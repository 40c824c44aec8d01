/** What the tool calls of agents do to the files that they keep their memory in. */
export type { MemoryAccess } from "./access.ts";
export { claudeCodeMemory } from "./claude-code.ts";
export { codexMemory } from "./codex.ts";
