// This file finds what is new in a corrected text: up to three neighbouring new words are one phrase, more are single.
const bare = (word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
const LONGEST = 3;
const MOST = 8;

export function newPhrases(before, after) {
  const known = new Set(before.split(/\s+/).map((word) => bare(word).toLowerCase()));
  const phrases = [];
  let run = [];
  const end = () => {
    // A line that was written anew holds no phrase of so many words: each may still be one to learn.
    if (run.length > LONGEST) phrases.push(...run.filter((word) => word.length > 3));
    else if (run.length) phrases.push(run.join(" "));
    run = [];
  };
  for (const word of after.split(/\s+/)) {
    const plain = bare(word);
    if (plain.length < 2 || known.has(plain.toLowerCase())) end();
    else run.push(plain);
    if (/[,;.!?]$/.test(word)) end();
  }
  end();
  return [...new Set(phrases)].slice(0, MOST);
}
