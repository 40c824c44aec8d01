/**
 * On which connection undici sends an attempt, so that a kill can say that it saw it close. undici starts a request and sends its
 * headers in one go (client-h1.js, writeH1), and says so on a diagnostics channel.
 */

import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

let starting: { socket: Socket | undefined } | undefined;

subscribe("undici:client:sendHeaders", (message) => {
  if (!starting) return;
  starting.socket = (message as { socket: Socket }).socket;
  starting = undefined;
});

/** From `onRequestStart` of an attempt that goes on. */
export function expectSocket(attempt: { socket: Socket | undefined }): void {
  starting = attempt;
}
