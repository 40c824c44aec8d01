import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./error.ts";

const RETRY_MS = 3_000;

/**
 * Data is fresh until the live connection says otherwise. A read that failed is tried again every three seconds until it
 * works, so that a page recovers by itself; a refusal (4xx) is final.
 */
export const makeQueryClient = () =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        retry: false,
        refetchOnWindowFocus: false,
        refetchOnReconnect: true,
        refetchInterval: (query) => (query.state.status === "error" && mayRecover(query.state.error) ? RETRY_MS : false),
      },
    },
  });

export const mayRecover = (error: unknown) => !(error instanceof ApiError) || error.status === 0 || error.status >= 500;
