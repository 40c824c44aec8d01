/** A fixture: a header line, then one captured record a line, in order of `t_ms` (milliseconds since the scenario began). */

export interface FixtureHeader {
  agent: "claude-code" | "codex";
  /** Of the CLI, as it says itself. */
  version: string;
  /** ISO 8601, when it was captured. */
  date: string;
  /** What captures it again. */
  command: string;
  scenario: string;
  /** What the scenario does, in one line. */
  about: string;
}

/** A request the agent sent to the model provider. Header names as on the wire. */
export interface RequestRecord {
  kind: "request";
  t_ms: number;
  /** 1-based, in order of arrival. */
  n: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

/** What the provider charged for a reply, in its own terms. */
export interface Served {
  model: string;
  usage: Record<string, unknown>;
}

export interface ServerSentEvent {
  event: string;
  data: Record<string, unknown>;
}

/** The answer to request `n`: a JSON `body`, or the server-sent `events` that left. */
export interface ResponseRecord {
  kind: "response";
  t_ms: number;
  n: number;
  status: number;
  headers: Record<string, string>;
  body?: unknown;
  events?: ServerSentEvent[];
  /** Milliseconds from the request to the end of the answer, or to the client going away. */
  duration_ms: number;
  /** `client-closed`: the agent went away before the end. */
  ended: "complete" | "client-closed";
  /** Absent where nothing was served (errors, other endpoints). */
  served?: Served;
}

export type Signal = "traces" | "logs" | "metrics";

/** One OTLP export as JSON, whatever its `encoding` was on the wire. Ids in hexadecimal, 64-bit integers as strings. */
export interface OtlpRecord {
  kind: "otlp";
  t_ms: number;
  signal: Signal;
  encoding: "json" | "protobuf";
  headers: Record<string, string>;
  body: unknown;
}

/** Names that an allow-list left out of the `otlp` records, with how many of each. */
export interface OtlpSummaryRecord {
  kind: "otlp-left-out";
  t_ms: number;
  spans: Record<string, number>;
  logs: Record<string, number>;
  metrics: Record<string, number>;
}

export interface HookRecord {
  kind: "hook";
  t_ms: number;
  event: string;
  transport: "http" | "command";
  body: unknown;
  /** What the hook answered. */
  answer: unknown;
}

export interface TranscriptRecord {
  kind: "transcript";
  t_ms: number;
  /** Path below the agent's HOME. */
  file: string;
  line: number;
  entry: unknown;
}

/** One run of the CLI. */
export interface RunRecord {
  kind: "run";
  /** When it ended. */
  t_ms: number;
  argv: string[];
  /** Environment beyond PATH, HOME and TMPDIR. */
  env: Record<string, string>;
  code: number | null;
  signal: string | null;
  duration_ms: number;
  /** Set where the scenario sent a signal: when it did, since the scenario began. */
  signalled_at_ms?: number;
  stdout: string;
  stderr: string;
}

/** A connection the agent tried to open to somewhere beyond loopback; the recorder refused it. */
export interface BlockedRecord {
  kind: "blocked";
  t_ms: number;
  target: string;
}

export type FixtureRecord =
  | RequestRecord
  | ResponseRecord
  | OtlpRecord
  | OtlpSummaryRecord
  | HookRecord
  | TranscriptRecord
  | RunRecord
  | BlockedRecord;

export interface Fixture {
  header: FixtureHeader;
  records: FixtureRecord[];
}

/** Parses a fixture's text. Throws naming the line that is no JSON object. */
export function parseFixture(text: string, file: string): Fixture {
  const lines = text.trimEnd().split("\n");
  const objects = lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (error) {
      throw new Error(`${file}:${index + 1} is not JSON: ${(error as Error).message}`);
    }
  });
  const [header, ...records] = objects;
  return { header: header as FixtureHeader, records: records as FixtureRecord[] };
}
