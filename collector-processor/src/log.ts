export type Level = "info" | "warn" | "error";
export type Fields = Record<string, string | number | boolean>;

export interface Log {
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** One line an event: `2026-11-21T01:02:03.456Z info collector message key=value`. */
export function stderrLog(): Log {
  const write = (level: Level) => {
    return (message: string, fields: Fields = {}) => {
      const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${typeof value === "string" ? JSON.stringify(value) : value}`);
      process.stderr.write(`${new Date().toISOString()} ${level} collector ${message}${pairs.join("")}\n`);
    };
  };
  return { info: write("info"), warn: write("warn"), error: write("error") };
}
