/**
 * What `zod` is in the browser (next.config.ts): there schemas are types alone. The server makes every answer from the same types, tests
 * check them against the schemas, and zod would be 42 KB of what each page loads. Whatever is built of it is this again; what it is to
 * check, it lets pass: what emitters say is checked by hand.
 */
const anything: unknown = new Proxy(() => {}, {
  get: (_, name) => {
    if (name === "parse") return (value: unknown) => value;
    if (name === "safeParse") return (value: unknown) => ({ success: true, data: value });
    return anything;
  },
  apply: () => anything,
});

export { anything as z };
