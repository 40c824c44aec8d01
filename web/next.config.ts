import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const repositoryRoot = fileURLToPath(new URL("..", import.meta.url));

export default {
  output: "standalone",
  // the workspace root, so that the traced copy holds @signalbox/otel and the hoisted node_modules
  outputFileTracingRoot: repositoryRoot,
  turbopack: { root: repositoryRoot, resolveAlias: { zod: { browser: "./src/api/zod-in-browser.ts" } } },
  transpilePackages: ["@signalbox/otel"],
  serverExternalPackages: ["postgres"],
  poweredByHeader: false,
  reactStrictMode: true,
  devIndicators: false,
  images: { unoptimized: true },
  // `npm run check` does this with the same compiler; a build on a user's machine need not wait for it
  typescript: { ignoreBuildErrors: true },
} satisfies NextConfig;
