/** Server-sent events: bytes in any pieces → events, and events → bytes. */

/** Larger than any event an engine sends; a completed response repeats all of its text. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024;

export interface ServerSentEvent {
  /** Empty where the stream names none. */
  event: string;
  data: string;
}

export class StreamTooLarge extends Error {
  constructor(what: string, limit: number) {
    super(`${what} is longer than ${limit} characters`);
  }
}

/** Holds back no more than one unfinished event. */
export class EventReader {
  readonly #decoder = new TextDecoder();
  #line = "";
  #event = "";
  #data: string[] = [];
  #held = 0;

  /** The events that end in this chunk. @throws StreamTooLarge */
  push(chunk: Uint8Array): ServerSentEvent[] {
    return this.#read(this.#decoder.decode(chunk, { stream: true }));
  }

  /** An event that the stream's end has cut short of its blank line. */
  end(): ServerSentEvent[] {
    return this.#read(`${this.#decoder.decode()}\n\n`);
  }

  #read(text: string): ServerSentEvent[] {
    const lines = text.split("\n");
    lines[0] = this.#line + lines[0];
    this.#line = lines.pop() ?? "";
    const events = lines.flatMap((line) => this.#take(line.endsWith("\r") ? line.slice(0, -1) : line));
    if (this.#held + this.#line.length > MAX_EVENT_CHARS) throw new StreamTooLarge("an event", MAX_EVENT_CHARS);
    return events;
  }

  #take(line: string): ServerSentEvent[] {
    if (line === "") return this.#finish();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "event") this.#event = value;
    if (name === "data") {
      this.#data.push(value);
      this.#held += value.length;
    }
    return [];
  }

  #finish(): ServerSentEvent[] {
    const event = { event: this.#event, data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    this.#held = 0;
    return isEmpty ? [] : [event];
  }
}

const encoder = new TextEncoder();

/** With an `event:` line where a name is given. */
export function eventBytes(data: object | string, event?: string): Uint8Array {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return encoder.encode(event === undefined ? `data: ${text}\n\n` : `event: ${event}\ndata: ${text}\n\n`);
}
