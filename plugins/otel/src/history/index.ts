/** History that agents keep on disk, as spans. */
export { type HistoryItem, type HistoryReader, type HistorySource, readEntry, readJsonLines } from "./source.ts";
export {
  type HistoryCall,
  type HistoryMessage,
  HistoryThread,
  type HistoryTool,
  type MessagePart,
  type ThreadIdentity,
  toolSpanId,
  turnSpanId,
} from "./thread.ts";
export * from "./values.ts";
