import { isDeepStrictEqual } from "node:util";
import { redactValue } from "@signalbox/otel/redact";
import type { FixtureFile } from "./fixture-folder.ts";
import { isStructured } from "./redact.ts";
import { MAX_FIXTURE_BYTES } from "./write-fixture.ts";

/** Folders of a made-up machine, and those agents name themselves. Codex calls its agents `/root`, `/root/<task>`. */
const FOREIGN_PATH = /(?<![\w.~-])\/(?:(?:w\w+|Users|private|mnt|var)\/|root\/\.|home\/(?!user\b))[^\s"\\]*|signalbox-capture/g;
const MAIL = /[\w.+-]+@(?!anthropic\.com|openai\.com|users\.noreply\.github\.com)[\w-]+\.[a-z]{2,}/gi;
const LONGEST_TEXT = 250;
const LONGEST_JSON_TEXT = 8_000;

/** What is wrong with a fixture that a public repository may hold: secrets, traces of a machine or a person, vendor text, size. */
export function problemsOf(fixture: FixtureFile): string[] {
  const problems: string[] = [];
  const { header, file, text } = fixture;
  for (const field of ["agent", "version", "date", "command", "scenario", "about"] as const) {
    if (typeof header[field] !== "string" || header[field] === "") problems.push(`header has no ${field}`);
  }
  if (file !== `${header.version}/${header.scenario}.jsonl`) problems.push(`header names ${header.version}/${header.scenario}`);
  if (Number.isNaN(Date.parse(header.date))) problems.push(`header's date is ${header.date}`);
  if (text.length > MAX_FIXTURE_BYTES) problems.push(`${text.length} bytes, more than ${MAX_FIXTURE_BYTES}`);
  for (const match of text.matchAll(FOREIGN_PATH)) problems.push(`names a path of a machine: ${match[0]}`);
  for (const match of text.matchAll(MAIL)) problems.push(`names an address: ${match[0]}`);

  fixture.records.forEach((record, index) => {
    const line = index + 2;
    if (typeof record.t_ms !== "number") problems.push(`line ${line} has no t_ms`);
    if (!isDeepStrictEqual(redactValue(record, { maxValues: 1_000_000 }), record)) problems.push(`line ${line} holds a secret`);
    for (const long of longTexts(record)) problems.push(`line ${line} holds a text of ${long.length} characters: ${long.slice(0, 60)}`);
  });
  return problems;
}

/** Texts that should have been shortened. Headers and JSON in a text keep their length. */
function longTexts(value: unknown, field = ""): string[] {
  if (typeof value === "string") {
    const lines = field === "stdout" ? value.split("\n") : [value];
    return lines.filter((line) => line.length > (/^\s*[{[]/.test(line) ? LONGEST_JSON_TEXT : LONGEST_TEXT) && !isStructured(line));
  }
  if (value === null || typeof value !== "object" || field === "headers") return [];
  return Object.entries(value).flatMap(([key, item]) => longTexts(item, key));
}
