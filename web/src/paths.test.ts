import { expect, it } from "vitest";
import { paths } from "./paths.ts";

it("keeps a session's id whole, whatever is in it", () => {
  const id = "agent:a/b:thread?x=1&y#z %";
  const address = new URL(paths.session(id, { view: "agents", span: undefined }), "http://localhost");
  expect(decodeURIComponent(address.pathname.split("/")[2] ?? "")).toBe(id);
  expect(address.search).toBe("?view=agents");
});
