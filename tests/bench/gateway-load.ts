/** What the gateway benchmark sends. */

export interface Load {
  name: string;
  connections: number;
  body: string;
  /** Events of a streamed reply; undefined where it comes as a whole. */
  events: number | undefined;
  /** Microseconds of the main thread's CPU: a request, of a stream an event. Undefined: measured, without a target. */
  targetMicroseconds: number | undefined;
}

/** Content events of the mock's stream. */
export const STREAM_EVENTS = 64;

const SYSTEM = "You are a helpful assistant. Answer in one sentence, and do not make things up.";
const QUESTION = "Hello! Which of the pools served me, and what did it cost? Please answer with the name of the pool alone.";
/** A tool's output as agents send it back: text with quotes, backslashes and line ends to be escaped. */
const TOOL_OUTPUT = 'const path = "C:\\\\work";\n\tif (line === "") continue; // and so on, for a screenful of source\n'.repeat(20);

const chat = (messages: object[], more: object = {}) =>
  JSON.stringify({
    model: "bench",
    messages: [{ role: "system", content: SYSTEM }, ...messages],
    max_tokens: 64,
    temperature: 0.2,
    ...more,
  });

/** A conversation of about so many bytes. */
function conversation(bytes: number): string {
  const turn = [
    { role: "user", content: QUESTION },
    { role: "assistant", content: TOOL_OUTPUT },
  ];
  const turns = Math.round(bytes / JSON.stringify(turn).length);
  return chat(Array.from({ length: turns }, () => turn).flat());
}

const user = [{ role: "user", content: QUESTION }];
const small = { body: chat(user), events: undefined };
const streamed = { body: chat(user, { stream: true }), events: STREAM_EVENTS };
const large = { body: conversation(117e3), events: undefined };
export const LOADS: readonly Load[] = [
  { name: "JSON, 350 bytes", connections: 1, ...small, targetMicroseconds: undefined },
  { name: "JSON, 350 bytes", connections: 32, ...small, targetMicroseconds: 60 },
  { name: "JSON, 350 bytes", connections: 128, ...small, targetMicroseconds: undefined },
  { name: `SSE, ${STREAM_EVENTS} events`, connections: 32, ...streamed, targetMicroseconds: 8 },
  { name: `SSE, ${STREAM_EVENTS} events`, connections: 128, ...streamed, targetMicroseconds: 8 },
  { name: "JSON, 117 KB", connections: 8, ...large, targetMicroseconds: 400 },
  { name: "JSON, 1 MB", connections: 4, body: conversation(1e6), events: undefined, targetMicroseconds: undefined },
];
