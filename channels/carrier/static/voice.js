// Says aloud what a call says, by the browser's voices; the text stands on the page in any case.

const speech = window.speechSynthesis;
export const isAloud = () => localStorage.getItem("aloud") !== "no";

export function setAloud(on) {
  localStorage.setItem("aloud", on ? "yes" : "no");
  if (!on) hush();
}

function voiceFor(language) {
  const wanted = language.replace("cmn", "zh").toLowerCase();
  const voices = speech ? speech.getVoices() : [];
  const tag = (voice) => voice.lang.replace("_", "-").toLowerCase();
  return voices.find((voice) => tag(voice) === wanted) || voices.find((voice) => tag(voice).split("-")[0] === wanted.split("-")[0]);
}

// True when it is said; false where this browser has no voice for the language: another's would be gibberish.
export function sayAloud(text, language) {
  const voice = voiceFor(language);
  if (!isAloud() || !voice) return false;
  const words = new SpeechSynthesisUtterance(text);
  words.voice = voice;
  words.lang = voice.lang;
  words.rate = 1.05;
  speech.cancel();
  speech.speak(words);
  return true;
}

export function hush() {
  if (speech) speech.cancel();
}

// Browsers load their voices late, and only once somebody has asked for them.
if (speech) speech.getVoices();
