import { headers } from "next/headers";
import { type ReactElement, Suspense } from "react";
import { within } from "../server/prefetch.ts";

/** What is there by then comes in one piece: after a frame alone the page's scripts run first, and rows are drawn 20 % later. */
const HOLD_MS = 15;

/**
 * Sends the frame of the page almost at once, and `content` when it is there: the browser has its styles and scripts by then. Going from page to page one
 * stays on the old one until then.
 */
export async function Streamed({ content }: { content: Promise<ReactElement> }) {
  const asked = await headers();
  const isDocument = asked.get("sec-fetch-dest") === "document";
  const ready = isDocument ? await within(content, HOLD_MS) : await content;
  if (ready) return ready;
  const nonce = /'nonce-([^']+)'/.exec(asked.get("content-security-policy") ?? "")?.[1];
  return (
    <>
      <script nonce={nonce} suppressHydrationWarning>
        {SHOW_AT_ONCE}
      </script>
      <Suspense>{content}</Suspense>
    </>
  );
}

/**
 * From the first frame on React holds what comes back until 300 ms after it, so that parts which come one after the other are shown together; this is its
 * note of that frame. Here one part comes. Without this, the page is right and its rows are late; web-late.test.ts holds that the name is still this.
 */
const SHOW_AT_ONCE = "Object.defineProperty(window,'$RT',{get(){},set(){}})";
