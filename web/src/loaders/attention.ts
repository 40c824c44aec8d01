import type { AttentionPage } from "../api/attention.ts";
import { toAttentionItem } from "../model/to-api.ts";
import { attention } from "../queries/attention.ts";
import { read } from "../server/database.ts";

export const loadAttention = async (): Promise<AttentionPage> => ({ data: (await read(attention)).map(toAttentionItem), next: null });
