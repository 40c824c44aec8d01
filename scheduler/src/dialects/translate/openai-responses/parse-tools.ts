/** The tools of a Responses request. Codex groups those of MCP servers and of its own in namespaces. */

import type { Dropped } from "../dropped.ts";
import type { Field } from "../field.ts";
import { parseCustom, parseFunction } from "../openai.ts";
import type { Tool } from "../types.ts";

/** Tools that run at the provider, or that only its models were trained on: refuse the request, or leave them out. */
export type ServerTools = "refuse" | "drop";

export function parseTools(tools: Field[], dropped: Dropped, serverTools: ServerTools): Tool[] {
  return tools.flatMap((tool) => parseTool(tool, dropped, serverTools));
}

const READ = new Set(["type", "name", "description", "parameters", "strict", "format", "tools"]);

function parseTool(tool: Field, dropped: Dropped, serverTools: ServerTools): Tool[] {
  const type = tool.get("type").string();
  switch (type) {
    case "function":
      dropped.addRest(tool, READ);
      return [parseFunction(tool)];
    case "custom":
      dropped.addRest(tool, READ);
      return [parseCustom(tool, tool.get("format"))];
    case "namespace": {
      const namespace = tool.get("name").string();
      return parseTools(tool.get("tools").items(), dropped, serverTools).map((inner) => ({ ...inner, namespace }));
    }
    default:
      if (serverTools === "refuse") tool.get("type").fail(`${type} is a tool of OpenAI's own, which other engines do not have`);
      dropped.add(`${tool.path} (${type})`);
      return [];
  }
}
