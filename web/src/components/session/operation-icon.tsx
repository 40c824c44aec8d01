import { Operation } from "@signalbox/otel/conventions";
import { BookText, Bot, CircleDot, MessageSquare, MoveRight, Split, Wrench } from "lucide-react";

const ICONS: Record<string, { icon: typeof Bot; label: string }> = {
  [Operation.invokeAgent]: { icon: Bot, label: "agent turn" },
  [Operation.chat]: { icon: MessageSquare, label: "model call" },
  [Operation.embeddings]: { icon: MessageSquare, label: "embeddings" },
  [Operation.executeTool]: { icon: Wrench, label: "tool call" },
  [Operation.memory]: { icon: BookText, label: "memory" },
  [Operation.schedule]: { icon: Split, label: "routing decision" },
  [Operation.migrate]: { icon: MoveRight, label: "migration" },
};

export function OperationIcon({ operation }: { operation: string }) {
  const { icon: Icon, label } = ICONS[operation] ?? { icon: CircleDot, label: operation || "span" };
  return (
    <span role="img" aria-label={label} title={label} className="shrink-0 text-ink-3">
      <Icon size={13} strokeWidth={1.75} aria-hidden />
    </span>
  );
}
