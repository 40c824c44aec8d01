import type http from "node:http";

/** What a path asks for; `parts` are the groups of its pattern, decoded. */
export interface ControlRequest {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  parts: readonly string[];
  query: URLSearchParams;
}
