/**
 * What the scripted model says to one task: `results` counts the tool results since the task was given, `attempt` the requests
 * that were in this same state (retries), from 1; `outputs` are the texts of those results.
 */
export type TaskScript<Plan> = (results: number, attempt: number, outputs: readonly string[]) => Plan;

/** Scripts by the word in capitals that a prompt holds. */
export type Tasks<Plan> = Record<string, TaskScript<Plan>>;

/** Plans one after the other, then a text. */
export const steps =
  <Plan>(...plans: Plan[]): TaskScript<Plan | { text: string }> =>
  (results) =>
    plans[results] ?? { text: "All finished." };

/**
 * Follows the tasks through requests of any dialect: the plan of the one that a conversation is at, undefined where it names none. Attempts
 * are counted within `session`.
 */
export function taskFollower<Plan>(tasks: Tasks<Plan>): (body: Record<string, unknown>, session?: string) => Plan | undefined {
  const attempts = new Map<string, number>();
  return (body, session = "") => {
    const { task, outputs } = progress(conversation(body), Object.keys(tasks));
    const script = task === undefined ? undefined : tasks[task];
    if (script === undefined) return undefined;
    const state = `${session} ${task} ${outputs.length}`;
    const attempt = (attempts.get(state) ?? 0) + 1;
    attempts.set(state, attempt);
    return script(outputs.length, attempt, outputs);
  };
}

/** What was said to the model and what its tools answered, in order; texts of the assistant are left out. */
type Said = { text: string } | { output: string };

interface Part {
  type?: string;
  text?: string;
  /** A task of a Codex sub-agent, in the clear with a provider of one's own. */
  encrypted_content?: string;
  content?: unknown;
}
interface Item extends Part {
  role?: string;
  output?: unknown;
}

function conversation(body: Record<string, unknown>): Said[] {
  const items = (Array.isArray(body.input) ? body.input : Array.isArray(body.messages) ? body.messages : []) as Item[];
  return items.flatMap((item): Said[] => {
    if (item.type?.endsWith("_output")) return [{ output: asText(item.output) }];
    if (item.role === "tool") return [{ output: asText(item.content) }];
    if (item.role === "assistant" || item.content === undefined) return [];
    if (typeof item.content === "string") return [{ text: item.content }];
    return (item.content as Part[]).map((part) =>
      part.type === "tool_result" ? { output: asText(part.content) } : { text: part.text ?? part.encrypted_content ?? "" },
    );
  });
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((part: Part) => part.text ?? "").join("");
  return JSON.stringify(value ?? "");
}

/** The last task that was named, and the results after it. */
function progress(said: readonly Said[], names: readonly string[]): { task: string | undefined; outputs: string[] } {
  let task: string | undefined;
  let outputs: string[] = [];
  for (const one of said) {
    if ("output" in one) outputs.push(one.output);
    else {
      const named = names.find((name) => new RegExp(`\\b${name}\\b`).test(one.text));
      if (named === undefined) continue;
      task = named;
      outputs = [];
    }
  }
  return { task, outputs };
}
