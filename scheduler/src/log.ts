/** One line per event on stderr: `2026-11-21T01:02:03.456Z info scheduler message key=value`. Never give it a secret. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
export type LogFields = Record<string, string | number | boolean | undefined>;

export function createLog(write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
      const text = pairs.map(([key, value]) => ` ${key}=${quoted(String(value))}`).join("");
      write(`${new Date().toISOString()} ${level} scheduler ${message}${text}\n`);
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

const quoted = (value: string) => (/^[^\s"=]+$/.test(value) ? value : JSON.stringify(value));
