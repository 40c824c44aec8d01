/**
 * The demo model's vocabulary, for llama.cpp's SentencePiece tokenizer.
 *
 * That tokenizer starts from characters and merges neighbours whose concatenation is a token, so a word can only be read
 * when every prefix of it is a token too. The prefixes are there for reading alone: the model's weights never choose them.
 */

const WORDS = `
a about above across add adds after again agent agents all also always an and another answer any api are as ask at away back be because been before
best better between both branch budget build built but by call calls came can case change changed channel channels check checks class clean clear client
close code collector come commit common config context copy cost costs could count cpu cron current data day deadline decide decided decision default
delay deploy design detail diff do does done down each early empty end engine enough error errors even event every example fail failed fast faster few field
file files find first fix fixed follow for found free from full function gateway get give goes good gpu green had half hand has have he heartbeat held help
here high hold hour how i idle if in input inside into is issue it item its job just keep key kind know large last late later latency left less let level
light like limit line list little load local log logs long look loop lower made main make many map match may mean measure meet memory merge message messages
met might minute model models more most move much must name near need needs never new next night no node none not note nothing now number of off old on once
one only open or order other our out output over own page part pass path pause people place plan poll pool pools price process prompt proof queue quick rate
ratio read reads ready real reason record relay remove reply report request requests reset rest result retry return review right room route routes rule run
runs safe said same save saw say scale schedule second seconds see seen send sent server session set short should show side signal silicon simple since slot
slots slow slower small so some soon space span spans speed stage start state status step still stop store stream such summary switch system table take task
tasks team tell test tests than that the their them then there these they thing this thread three through tier time to today token tokens told too tool
tools top total trace train trains try turn turns two type under unit until up update us use used user value very view wait want warm was watch way we week
well went were what when where which while who whole why will with within word work worker works worth would write yes yet you your zero
`
  .trim()
  .split(/\s+/);

export type TokenRole = "control" | "unknown" | "byte" | "piece" | "word" | "punctuation" | "end";

export interface VocabularyEntry {
  text: string;
  score: number;
  role: TokenRole;
}

export const BEGIN_OF_TEXT = 1;
export const END_OF_TURN = 2;

/** SentencePiece's stand-in for a space. */
const SPACE = "\u2581";

/** Every token in the order of its id. */
export function demoVocabulary(): VocabularyEntry[] {
  const entries: VocabularyEntry[] = [
    { text: "<unk>", score: 0, role: "unknown" },
    { text: "<s>", score: 0, role: "control" },
    { text: "<|im_end|>", score: 0, role: "end" },
    { text: "<|im_start|>", score: 0, role: "control" },
  ];
  for (let byte = 0; byte < 256; byte++) {
    entries.push({ text: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, score: 0, role: "byte" });
  }
  entries.push({ text: SPACE, score: -20, role: "piece" });
  for (let code = 0x21; code < 0x7f; code++) {
    const text = String.fromCharCode(code);
    entries.push({ text, score: -20, role: text === "." || text === "," ? "punctuation" : "piece" });
  }
  const words = new Set(WORDS);
  const prefixes = new Set(WORDS.flatMap((word) => Array.from(word, (_, index) => word.slice(0, index + 1))));
  // A longer piece merges first, so that reading is greedy.
  for (const text of prefixes) entries.push({ text: SPACE + text, score: text.length - 20, role: words.has(text) ? "word" : "piece" });
  return entries;
}
