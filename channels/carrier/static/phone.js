// A telephone: texts, calls with a keypad, and how its owner behaves.
import { api, chooser, doing, el, keyed, linked, poll, state, time } from "./tools.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

function line(item) {
  const parts = {
    said: () => ["“", item.text, "”"],
    played: () => [`recording played, ${item.seconds} s`, el("audio", { controls: true, preload: "none", src: item.audio })],
    keys: () => ["pressed ", el("strong", {}, item.digits)],
    spoke: () => ["spoke: ", item.text],
    recorded: () => [`left a recording, ${item.seconds} s`, el("audio", { controls: true, preload: "none", src: item.audio })],
    dialed: () => [`put through to ${item.to.join(", ")}: ${item.status}`],
    tones: () => ["tones ", item.digits],
    note: () => [item.text],
  };
  return el("li", {}, (parts[item.what] || (() => [item.what]))(), item.complete === false ? el("span", { class: "soft small" }, " (not to the end)") : null);
}

function hears(now) {
  if (!now) return "Nothing is heard.";
  const words = {
    ringing: "It rings.",
    said: `Heard now: “${now.text}”`,
    played: "Heard now: a recording.",
    listening: now.for === "speech" ? "The line records: speak now." : "The line waits for keys.",
    talking: `Put through, talking with ${now.with}.`,
  };
  return words[now.what] || now.what;
}

function callCard(call, old, number) {
  const path = (what) => `/calls/${call.sid}/${what}`;
  const press = (digits) => api("POST", path("keys"), { digits });
  const card = el("article", { class: "call" + (call.live ? " live" : ""), "aria-label": "Call" });
  const incoming = call.to === number;
  card.append(el("div", { class: "row" }, el("strong", {}, incoming ? "From " + call.from : "To " + call.to), state(call.status),
    el("span", { class: "soft small" }, time(call.created_at), call.duration === null ? "" : `, ${call.duration} s`)));
  if (call.error) card.append(el("p", { class: "tag bad" }, call.error));
  if (call.live) {
    card.append(el("p", { class: "now", role: "status" }, hears(call.now)));
    if (call.now && call.now.what === "played") {
      const kept = old && old.querySelector(".now-sound");
      card.append(kept && kept.getAttribute("src") === call.now.audio ? kept
        : el("audio", { class: "now-sound", controls: true, autoplay: true, src: call.now.audio }));
    }
    const ringing = incoming && call.status !== "in-progress";
    const file = el("input", { type: "file", accept: "audio/*", id: "speak-" + call.sid });
    file.addEventListener("change", doing(async () => {
      const form = new FormData();
      form.append("audio", file.files[0]);
      await api("POST", path("speak"), form);
    }));
    card.append(el("div", { class: "row" },
      ringing ? el("button", { type: "button", onclick: doing(() => api("POST", path("answer"))) }, "Answer") : null,
      el("button", { type: "button", class: "bad", onclick: doing(() => api("POST", path("hangup"))) }, "Hang up")));
    if (!ringing) {
      card.append(
        el("div", { class: "keypad", role: "group", "aria-label": "Keypad" },
          KEYS.map((key) => el("button", { type: "button", class: "plain", "data-digit": key, onclick: doing(() => press(key)) }, key))),
        el("div", { class: "row" },
          el("label", { for: file.id }, "Speak an audio file"), el("div", { class: "grow" }, file),
          el("button", { type: "button", class: "plain", onclick: doing(() => api("POST", path("speak"), { sample: "tone", seconds: 3 })) }, "Hum for 3 s")));
    }
  }
  if (call.transcript.length) card.append(el("ol", { class: "transcript" }, call.transcript.map(line)));
  // Rebuilt every time the call moves on: put the keyboard back where it was.
  const held = old && old.contains(document.activeElement) && document.activeElement.textContent;
  if (held) queueMicrotask(() => [...card.querySelectorAll("button")].find((button) => button.textContent === held)?.focus());
  return card;
}

export async function phone(main, number) {
  const about = await api("GET", "/console");
  document.title = number + " · Simulated carrier";
  const who = el("p", { class: "soft" });
  const talk = el("div", { class: "talk", role: "log", "aria-label": "Texts", tabindex: "0" });
  const calls = el("div");
  const modes = el("div", { class: "row" });
  const text = el("textarea", { id: "text", rows: 2 });
  const ours = [...new Set([...about.sms_from, about.customer_line, about.analyst_line])];
  const to = el("select", { id: "to" }, ours.map((one) => el("option", { value: one }, one)));
  const send = async (body) => { await api("POST", "/sms", { from: number, to: to.value, body }); again(); };
  const form = el("form", { onsubmit: doing(async () => { if (text.value.trim()) { await send(text.value); text.value = ""; text.focus(); } }) },
    el("div", { class: "row" }, el("div", { class: "grow" }, el("label", { for: "text" }, "Write a text"), text),
      el("div", {}, el("label", { for: "to" }, "to"), to)),
    el("div", { class: "row" }, el("button", { type: "submit" }, "Send"),
      el("button", { type: "button", class: "plain", onclick: doing(() => send("STOP")) }, "Send STOP"),
      el("button", { type: "button", class: "plain", onclick: doing(() => send("START")) }, "Send START")));
  const ring = (line, name) => el("button", { type: "button", onclick: doing(async () => { await api("POST", "/calls", { from: number, to: line }); again(); }) }, name);
  main.replaceChildren(el("h1", {}, number), who, el("div", { class: "columns" },
    el("section", { class: "card", "aria-labelledby": "texts" }, el("h2", { id: "texts" }, "Texts"), talk, form),
    el("div", {},
      el("section", { class: "card", "aria-labelledby": "calls" }, el("h2", { id: "calls" }, "Calls"),
        el("p", { class: "row" }, ring(about.customer_line, "Call the bank"), ring(about.analyst_line, "Call the analysts' line")), calls),
      el("section", { class: "card", "aria-labelledby": "mode" }, el("h2", { id: "mode" }, "Behaviour"), modes))));
  let shown = "";
  const again = poll(() => api("GET", "/phone/" + encodeURIComponent(number)), (found) => {
    who.textContent = [found.name, found.firm, found.kind === "staff" ? "staff" : "", found.stopped.length ? "opted out of " + found.stopped.join(", ") : ""].filter(Boolean).join(" · ");
    const bottom = talk.scrollTop + talk.clientHeight >= talk.scrollHeight - 8;
    keyed(talk, found.texts, (item) => item.id, (item) => el("div", { class: "bubble" + (item.mine ? " mine" : "") + (item.arrived ? "" : " lost") },
      el("span", {}, linked(item.text)), el("span", { class: "small soft" }, `${item.mine ? "to" : "from"} ${item.other || ""} ${time(item.at)} · ${item.state}${item.error ? " " + item.error : ""}`)));
    if (bottom) talk.scrollTop = talk.scrollHeight;
    keyed(calls, found.calls.reverse(), (call) => call.sid, (call, old) => callCard(call, old, number));
    const now = found.behaviour.sms.mode + found.behaviour.voice.mode;
    if (now !== shown && !modes.contains(document.activeElement)) {
      shown = now;
      modes.replaceChildren(chooser("sms", number, about.modes.sms, found.behaviour.sms.mode), chooser("voice", number, about.modes.voice, found.behaviour.voice.mode));
    }
    api("POST", "/seen", { address: number }).catch(() => {});
  });
  // A live call goes faster than the page's two seconds.
  setInterval(() => { if (calls.querySelector(".live") && !document.hidden) again(); }, 700);
}
