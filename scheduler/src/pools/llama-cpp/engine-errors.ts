/** The prompt and one token of reply do not fit the context. No retry on this pool can help. */
export class ContextLengthError extends Error {}
/** The grammar is not one that llama.cpp takes. */
export class GrammarError extends Error {}
