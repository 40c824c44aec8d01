/** One line an event on stderr: time, level, part, message, key=value. */
export function log(level: "info" | "warn" | "error", message: string, fields: Readonly<Record<string, string | number>> = {}): void {
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${/[\s"=]/.test(String(value)) ? JSON.stringify(String(value)) : value}`,
  );
  process.stderr.write(`${new Date().toISOString()} ${level} web ${message}${rest.join("")}\n`);
}
