// One call on a telephone: what is heard, a keypad, speaking. Built once and then changed in place, so that the
// keyboard's focus, a playing sound and an open microphone stay while the call moves on.
import { api, doing, el, keyed, say, state, time } from "./tools.js";
import { listen } from "./microphone.js";
import { hush, isAloud, sayAloud } from "./voice.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const NAMES = { "*": "star", "#": "hash" };
const seconds = (item) => (item.after === null || item.after === undefined ? "" : item.after.toFixed(1) + " s");

function line(item) {
  const sound = () => el("audio", { controls: true, preload: "none", src: item.audio, "aria-label": item.what === "played" ? "What was played" : "What was recorded" });
  const parts = {
    said: () => [el("q", { lang: item.language }, item.text)],
    played: () => [`recording played, ${item.seconds} s`, sound()],
    keys: () => ["pressed ", el("strong", {}, item.digits)],
    spoke: () => ["spoke: ", item.text],
    recorded: () => [`left a recording, ${item.seconds} s`, sound()],
    dialed: () => [`put through to ${item.to.join(", ")}: ${item.status}${item.bridged ? "" : ", not joined"}`],
    tones: () => ["tones ", item.digits],
    note: () => [item.text],
  };
  return el("li", {}, el("span", { class: "at" }, seconds(item)), el("span", { class: "grow" }, (parts[item.what] || (() => [item.what]))(),
    item.complete === false ? el("span", { class: "soft small" }, " (not to the end)") : null));
}

function heard(now) {
  if (!now) return ["Nothing is heard."];
  const words = {
    ringing: () => [now.to ? `Rings at ${now.to.join(", ")}.` : "It rings."],
    said: () => ["Heard now: ", el("q", { lang: now.language }, now.text)],
    played: () => ["Heard now: a recording."],
    listening: () => [now.for === "speech" ? "The line records: speak now, then press a key or hang up." : "The line waits for keys."],
    talking: () => [`Put through, talking with ${now.with}.`],
  };
  return (words[now.what] || (() => [now.what]))();
}

export class CallCard {
  // `names`: what to call a number of the bank's. `again` shows at once what a press has changed.
  constructor(call, number, names, again) {
    this.again = again;
    this.sid = call.sid;
    this.incoming = call.to === number;
    this.queue = Promise.resolve();
    this.id = "call-" + call.sid;
    const other = this.incoming ? call.from : call.to;
    this.state = el("span");
    this.about = el("span", { class: "soft small" });
    this.error = el("p", { class: "tag bad", hidden: true });
    this.now = el("p", { class: "now", role: "status" });
    this.mute = el("p", { class: "soft small", hidden: true });
    this.sound = el("div");
    this.answer = el("button", { type: "button", onclick: doing(() => this.turn("answer")) }, "Answer");
    this.end = el("button", { type: "button", class: "bad", onclick: doing(() => { hush(); this.close(); return this.turn("hangup"); }) }, "Hang up");
    this.pressed = el("output", { class: "pressed", "aria-label": "Keys pressed" });
    this.speaking = this.makeSpeaking();
    this.controls = el("div", { class: "controls" }, this.makeKeypad(), this.speaking);
    this.transcript = el("ol", { class: "transcript", "aria-label": "What was heard and done" });
    const title = `${this.incoming ? "From" : "To"} ${names[other] ? `${names[other]}, ${other}` : other}`;
    this.node = el("article", { class: "call", "aria-label": `Call ${title.toLowerCase()}` },
      el("div", { class: "row" }, el("strong", {}, title), this.state, this.about), this.error, this.now, this.mute, this.sound,
      this.buttons = el("div", { class: "row" }, this.answer, this.end), this.controls, this.transcript);
  }

  do(what, body) {
    // One after another: keys that overtook each other would be another number.
    const done = this.queue.then(() => api("POST", `/calls/${this.sid}/${what}`, body));
    this.queue = done.catch(() => {});
    return done;
  }

  async turn(what) {
    try { await this.do(what); } finally { this.again(); }
  }

  get takesKeys() { return !this.controls.hidden && this.node.isConnected; }

  press(digits) {
    this.pressed.value += digits;
    hush();
    return this.do("keys", { digits });
  }

  flash(key) {
    const button = this.node.querySelector(`[data-digit="${CSS.escape(key)}"]`);
    button.classList.add("down");
    setTimeout(() => button.classList.remove("down"), 150);
  }

  makeKeypad() {
    const keys = el("input", { id: this.id + "-keys", inputmode: "tel", autocomplete: "off", maxlength: 40, pattern: "[0-9*#]+", title: "Digits, * and #" });
    const row = el("form", { class: "row" }, el("label", { for: keys.id }, "Several keys"), el("div", { class: "grow" }, keys),
      el("button", { type: "submit", class: "plain" }, "Press them"),
      el("button", { type: "submit", class: "plain", value: "#", name: "end" }, "and #"));
    row.addEventListener("submit", doing((event) => {
      const digits = keys.value.trim() + (event.submitter && event.submitter.name === "end" ? "#" : "");
      keys.value = "";
      return digits ? this.press(digits) : null;
    }));
    return el("div", {}, el("div", { class: "keypad", role: "group", "aria-label": "Keypad" },
      KEYS.map((key) => el("button", { type: "button", class: "plain", "data-digit": key, "aria-label": NAMES[key] || key, onclick: doing(() => this.press(key)) }, key))),
      el("p", { class: "small soft keys-hint" }, "The keyboard's digits, * and # press too. ", this.pressed), row);
  }

  makeSpeaking() {
    const file = el("input", { type: "file", accept: "audio/*", id: this.id + "-file" });
    file.addEventListener("change", doing(async () => {
      const form = new FormData();
      form.append("audio", file.files[0]);
      await this.do("speak", form);
      file.value = "";
    }));
    this.level = el("meter", { min: 0, max: 1, value: 0, "aria-label": "How loud it is", hidden: true });
    this.microphone = el("button", { type: "button", class: "plain", "aria-pressed": "false", onclick: doing(() => this.toggle()) }, "Speak by microphone");
    return el("div", {},
      el("div", { class: "row" }, el("label", { for: file.id }, "Speak an audio file"), el("div", { class: "grow" }, file)),
      el("div", { class: "row" }, this.microphone, this.level,
        el("button", { type: "button", class: "plain", onclick: doing(() => this.do("speak", { sample: "tone", seconds: 3 })) }, "Hum for 3 s")));
  }

  async toggle() {
    if (this.stopListening) return this.close();
    this.stopListening = await listen((piece, loudness) => {
      this.level.value = loudness;
      const form = new FormData();
      form.append("audio", piece, "piece.wav");
      this.do("speak?live=1", form).catch(() => this.close());
    });
    this.microphone.textContent = "Microphone off";
    this.microphone.setAttribute("aria-pressed", "true");
    this.level.hidden = false;
    return say("The microphone is open. It counts while the line records.");
  }

  close() {
    if (!this.stopListening) return;
    this.stopListening();
    this.stopListening = null;
    this.microphone.textContent = "Speak by microphone";
    this.microphone.setAttribute("aria-pressed", "false");
    this.level.hidden = true;
  }

  show(call) {
    const ringing = this.incoming && call.live && call.status !== "in-progress";
    this.ringing = ringing;
    this.node.classList.toggle("live", call.live);
    this.state.replaceChildren(state(call.status));
    const parts = [time(call.created_at)];
    if (call.seconds !== null) parts.push(Math.round(call.live ? call.seconds : call.duration) + " s");
    if (call.answered_by) parts.push(call.answered_by);
    this.about.textContent = parts.join(" · ");
    this.error.hidden = !call.error;
    this.error.textContent = call.error || "";
    this.buttons.hidden = !call.live;
    this.answer.hidden = !ringing;
    this.controls.hidden = !call.live || ringing || call.status !== "in-progress";
    this.now.hidden = !call.live;
    if (!call.live) this.close();
    this.hear(call.live ? call.now : null, call.status === "in-progress");
    keyed(this.transcript, call.transcript.map((item, n) => ({ ...item, n })), (item) => item.n, line);
    this.transcript.hidden = !call.transcript.length;
  }

  hear(now, picked) {
    const print = JSON.stringify(now && [now.what, now.at, now.for, now.text, now.with]);
    if (print === this.print) return;
    this.print = print;
    this.now.replaceChildren(...heard(now));
    this.now.classList.toggle("speak", Boolean(now && now.for === "speech"));
    if (this.wasSaying) hush();
    this.wasSaying = Boolean(picked && now && now.what === "said");
    const aloud = this.wasSaying && sayAloud(now.text, now.language);
    this.mute.hidden = !this.wasSaying || aloud || !isAloud();
    this.mute.textContent = this.wasSaying ? `This browser has no voice for ${now.language}: read it.` : "";
    this.sound.replaceChildren(...(picked && now && now.what === "played"
      ? [el("audio", { controls: true, autoplay: isAloud(), src: now.audio, "aria-label": "What is played now" })] : []));
  }
}
