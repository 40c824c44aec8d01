/** A command hook: sends what it reads on stdin to the URL of its argument and prints the answer. Silent where nobody listens. */
import { text } from "node:stream/consumers";

const url = process.argv[2];
if (url === undefined) throw new Error("usage: node forward-hook.ts <url>");
const payload = await text(process.stdin);
try {
  const response = await fetch(url, { method: "POST", body: payload, headers: { "content-type": "application/json" } });
  process.stdout.write(await response.text());
} catch {
  // A hook that fails stops or delays the agent: the recording then lacks this payload, which a missing record shows.
}
