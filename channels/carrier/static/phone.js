// Telephones: texts, calls, and how their owner behaves; a second one beside it when a call joins the two.
import { api, chooser, doing, el, keyed, linked, poll } from "./tools.js";
import { CallCard } from "./call.js";
import { isAloud, setAloud } from "./voice.js";

function texts(number, ours, again) {
  const talk = el("div", { class: "talk", role: "log", "aria-label": "Texts of " + number, tabindex: "0" });
  const text = el("textarea", { id: "text" + number, rows: 2 });
  const to = el("select", { id: "to" + number }, ours.map((one) => el("option", { value: one }, one)));
  const send = async (body) => { await api("POST", "/sms", { from: number, to: to.value, body }); again(); };
  const form = el("form", { onsubmit: doing(async () => { if (text.value.trim()) { await send(text.value); text.value = ""; text.focus(); } }) },
    el("div", { class: "row" }, el("div", { class: "grow" }, el("label", { for: text.id }, "Write a text"), text),
      el("div", {}, el("label", { for: to.id }, "to"), to)),
    el("div", { class: "row" }, el("button", { type: "submit" }, "Send"),
      el("button", { type: "button", class: "plain", onclick: doing(() => send("STOP")) }, "Send STOP"),
      el("button", { type: "button", class: "plain", onclick: doing(() => send("START")) }, "Send START")));
  const show = (items) => {
    const bottom = talk.scrollTop + talk.clientHeight >= talk.scrollHeight - 8;
    keyed(talk, items, (item) => item.id, (item) => el("div", { class: "bubble" + (item.mine ? " mine" : "") + (item.arrived ? "" : " lost") },
      el("span", {}, linked(item.text)), el("span", { class: "small soft" }, `${item.mine ? "to" : "from"} ${item.other || ""} ${new Date(item.at).toLocaleTimeString()} · ${item.state}${item.error ? " " + item.error : ""}`)));
    if (bottom) talk.scrollTop = talk.scrollHeight;
  };
  return { node: el("section", { class: "card", "aria-label": "Texts, " + number }, el("h2", {}, "Texts"), talk, form), show };
}

// One telephone. `meet(number)` is called with a telephone that a call here is being joined to.
class Phone {
  constructor(number, about, meet, heading) {
    this.number = number;
    this.about = about;
    this.meet = meet;
    this.cards = new Map();
    this.who = el("p", { class: "soft" });
    this.pin = el("p", { class: "small" });
    this.calls = el("div");
    this.modes = el("div", { class: "row" });
    const again = () => this.again();
    this.texts = texts(number, [...new Set([...about.sms_from, about.customer_line, about.analyst_line])], again);
    const ring = (line, name) => el("button", { type: "button", onclick: doing(async () => { await api("POST", "/calls", { from: number, to: line }); again(); }) }, name);
    this.title = el(heading, { tabindex: "-1" }, number);
    this.names = { [about.customer_line]: "the customers' line", [about.analyst_line]: "the staff line" };
    for (const one of about.voice_from) this.names[one] = this.names[one] || "the bank";
    const calls = el("section", { class: "card", "aria-label": "Calls, " + number }, el("h2", {}, "Calls"),
      el("p", { class: "row" }, ring(about.customer_line, "Ring the customers' line"), ring(about.analyst_line, "Ring the staff line")),
      el("p", { class: "small soft" }, "While this page is open, calls ring here until you answer."), this.calls);
    const modes = el("section", { class: "card", "aria-label": "Behaviour, " + number }, el("h2", {}, "Behaviour"), this.modes);
    this.node = el("section", { class: "phone", "aria-label": "Telephone " + number }, this.title, this.who, this.pin,
      el("div", { class: "columns" }, calls, el("div", {}, this.texts.node, modes)));
    this.shown = "";
    this.again = poll(() => api("GET", "/phone/" + encodeURIComponent(number)), (found) => this.show(found), () => (this.isLive ? 500 : 1200));
  }

  get isLive() { return Boolean(this.calls.querySelector(".live")); }
  get isRinging() { return [...this.cards.values()].some((card) => card.ringing); }
  get answered() { return [...this.cards.values()].find((card) => card.takesKeys); }

  show(found) {
    const roles = found.roles.length ? found.roles.join(", ") : found.kind === "staff" ? "staff" : "";
    this.title.textContent = found.name || this.number;
    this.who.textContent = [found.name ? this.number : "", found.firm, roles, found.stopped.length ? "opted out of " + found.stopped.join(", ") : ""].filter(Boolean).join(" · ");
    this.names_shown = found.name;
    const pins = Object.entries(found.pins);
    this.pin.textContent = pins.map(([name, pin]) => `PIN of ${name} in the directory's file: ${pin}`).join(". ");
    this.texts.show(found.texts);
    keyed(this.calls, found.calls.reverse(), (call) => call.sid, (call) => {
      if (!this.cards.has(call.sid)) this.cards.set(call.sid, new CallCard(call, this.number, this.names, () => this.again()));
      const card = this.cards.get(call.sid);
      card.show(call);
      for (const leg of call.legs) if (leg.live && leg.to !== this.number) this.meet(leg.to);
      return card.node;
    });
    const now = found.behaviour.sms.mode + found.behaviour.voice.mode;
    if (now !== this.shown && !this.modes.contains(document.activeElement)) {
      this.shown = now;
      this.modes.replaceChildren(chooser("sms", this.number, this.about.modes.sms, found.behaviour.sms.mode),
        chooser("voice", this.number, this.about.modes.voice, found.behaviour.voice.mode));
    }
    api("POST", "/seen", { address: this.number }).catch(() => {});
  }
}

function keyboard(phones) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, audio");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || !/^[0-9*#]$/.test(event.key)) return;
    const here = phones.find((phone) => phone.node.contains(document.activeElement) && phone.answered);
    const card = (here || phones.find((phone) => phone.answered) || {}).answered;
    if (!card) return;
    event.preventDefault();
    card.flash(event.key);
    doing(() => card.press(event.key))();
  });
}

export async function phone(main, number) {
  const about = await api("GET", "/console");
  const phones = [];
  const row = el("div", { class: "phones" });
  const beside = el("input", { id: "beside", inputmode: "tel", placeholder: "+1…", autocomplete: "off" });
  const open = (other) => {
    if (!other || phones.some((one) => one.number === other)) return;
    phones.push(new Phone(other, about, open, phones.length ? "h2" : "h1"));
    row.append(phones.at(-1).node);
    row.classList.toggle("two", phones.length > 1);
    watch();
  };
  const watch = () => api("POST", "/watch", { numbers: phones.map((one) => one.number) }).catch(() => {});
  const aloud = el("input", { type: "checkbox", id: "aloud", checked: isAloud() });
  aloud.addEventListener("change", () => setAloud(aloud.checked));
  const speed = about.speed === 1 ? null : el("p", { class: "small soft" }, `The carrier runs at ${about.speed} times real time: what is heard is cut short.`);
  main.replaceChildren(el("section", { class: "row tools", "aria-label": "This page" },
    el("div", { class: "row grow" }, aloud, el("label", { for: "aloud" }, "Say aloud what is heard"), speed),
    el("form", { class: "row", onsubmit: doing(async () => { open(beside.value.trim()); beside.value = ""; }) },
      el("label", { for: "beside" }, "Another telephone beside this one"), el("div", {}, beside), el("button", { type: "submit", class: "plain" }, "Open"))), row);
  open(number);
  open(new URLSearchParams(location.search).get("with"));
  keyboard(phones);
  // Goes on in the background: whoever looks at another page still wants to be rung here.
  setInterval(watch, 2000);
  addEventListener("pagehide", () => navigator.sendBeacon("/carrier/api/watch", JSON.stringify({ gone: phones.map((one) => one.number) })));
  setInterval(() => {
    const rings = phones.some((one) => one.isRinging);
    document.title = (rings ? "☎ It rings · " : "") + (phones[0].names_shown || number) + " · Simulated carrier";
  }, 500);
}
