/** signalbox.config.yaml: read, checked once at start, with the line of each mistake. */

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { DEMO_CONFIG } from "./config/demo.ts";
import { explainIssues } from "./config/explain.ts";
import { type ConfigIssue, checkReferences, type Environment } from "./config/references.ts";
import { type Config, configSchema } from "./config/schema.ts";

export type { Config } from "./config/schema.ts";

/** Every mistake of a config file, one line each: `file:line:column: where: what`. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** @throws ConfigError */
export function loadConfig(file: string, environment: Environment = process.env): Config {
  return parseConfig(readConfig(file), file, environment);
}

/** @throws ConfigError where the file cannot be read */
export function readConfig(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read: ${(error as Error).message}`]);
  }
}

/** Where the config is: SIGNALBOX_CONFIG, `./signalbox.config.yaml`, `<home>/signalbox.config.yaml`; undefined: the built-in demo. */
export function findConfig(home: string, named: string | undefined): string | undefined {
  if (named) return path.resolve(named);
  return [path.resolve("signalbox.config.yaml"), path.join(home, "signalbox.config.yaml")].find((file) => existsSync(file));
}

export const demoConfig = (): Config => parseConfig(DEMO_CONFIG, "built-in demo config", {});

/** @throws ConfigError */
export function parseConfig(text: string, file: string, environment: Environment): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) throw new ConfigError(document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`));

  const describe = ({ path: place, message }: ConfigIssue) => `${at(offsetOf(document, place))}: ${dotted(place)}${message}`;
  const parsed = configSchema.safeParse(valuesOf(document, file) ?? {}, { reportInput: true });
  if (!parsed.success) throw new ConfigError(explainIssues(parsed.error.issues, configSchema).map(describe));
  const issues = checkReferences(parsed.data, environment);
  if (issues.length > 0) throw new ConfigError(issues.map(describe));
  return parsed.data;
}

/** @throws ConfigError where aliases stand for too much: a few lines of them can fill the memory */
function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new ConfigError([`${file}: ${(error as Error).message}`]);
  }
}

/** `pools[0].slots: `, or nothing at the root. */
function dotted(place: readonly PropertyKey[]): string {
  const text = place.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  return text ? `${text.replace(/^\./, "")}: ` : "";
}

/** Where the deepest part of the path that is in the file stands: the key of a pair, else the value. */
function offsetOf(document: Document, place: readonly PropertyKey[]): number {
  for (let depth = place.length; depth > 0; depth--) {
    const parent = document.getIn(place.slice(0, depth - 1), true);
    const pair = isMap(parent) ? parent.items.find((item) => isPair(item) && keyOf(item.key) === place[depth - 1]) : undefined;
    const node = pair ? pair.key : document.getIn(place.slice(0, depth), true);
    const start = (node as Node | undefined)?.range?.[0];
    if (start !== undefined) return start;
  }
  return (document.contents as Node | null)?.range?.[0] ?? 0;
}

const keyOf = (key: unknown) => (isScalar(key) ? key.value : key);
