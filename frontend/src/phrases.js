// This file finds what is new in a corrected text: neighbouring new words are one phrase.
const bare = (word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");

export function newPhrases(before, after) {
  const known = new Set(before.split(/\s+/).map((word) => bare(word).toLowerCase()));
  const phrases = [];
  let run = [];
  const end = () => {
    if (run.length) phrases.push(run.join(" "));
    run = [];
  };
  for (const word of after.split(/\s+/)) {
    const plain = bare(word);
    if (plain.length < 2 || known.has(plain.toLowerCase())) end();
    else run.push(plain);
    if (/[,;.!?]$/.test(word)) end();
  }
  end();
  return [...new Set(phrases)].slice(0, 8);
}
