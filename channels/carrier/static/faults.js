// Faults one can order, grouped and said in words.
import { api, doing, el } from "./tools.js";

const GROUPS = {
  "Requests to the vendors": {
    latency_ms: "Milliseconds before every answer", unauthorized: "Credentials are refused",
    status_429_share: "Share told to slow down (429)", error_500_share: "Share that fails (500)",
    accept_then_500_share: "Share accepted, then answered with 500", accept_then_hang_share: "Share accepted, never answered",
    html_200_share: "Share accepted, answered with a page", calls_per_second: "Calls a second; the surplus waits (0: no limit)",
    seed: "Seed of chance, to repeat a day (0: none)", lookup_lag_s: "Seconds until look-ups know of a record", lookup_500_share: "Share of look-ups that fail",
  },
  "Status callbacks": {
    callbacks_off: "None come", callbacks_lost_share: "Share that is lost", callback_duplicates: "Extra copies of each",
    callback_reorder: "Out of order", callback_delay_ms: "Milliseconds late", callback_first: "Before the answer to our request",
    texts_lost_share: "Share of people's texts that are never told",
  },
  "Live calls": {
    hang_up_within_s: "Everybody hangs up within so many seconds (0: nobody)", voice_copies: "Extra copies of each request at once",
    voice_late_copies: "A copy of each request after the next one", voice_lost_share: "Share of our answers that are lost",
  },
  Recordings: {
    recording_ready_s: "Seconds until one is ready", recording_media_lag_s: "Seconds until it can be fetched after that",
    recording_absent_share: "Share that never exists", recording_failed_share: "Share that fails",
  },
};

function field(name, label, value) {
  const tick = typeof value === "boolean";
  const least = name.endsWith("_share") ? { min: 0, max: 1 } : { min: 0 };
  return el("p", { class: "row" }, el("label", { for: name, class: "grow" }, label),
    el("span", { class: tick ? "" : "short" }, el("input", { id: name, name, type: tick ? "checkbox" : "number", step: "any", ...least, checked: tick && value, value: tick ? "on" : value })));
}

export async function faults(main, head) {
  const form = el("form");
  const fill = (found) => {
    const known = new Set(Object.values(GROUPS).flatMap(Object.keys));
    const groups = { ...GROUPS, Other: Object.fromEntries(Object.keys(found).filter((name) => !known.has(name)).map((name) => [name, name.replaceAll("_", " ")])) };
    form.replaceChildren(el("div", { class: "columns" }, Object.entries(groups).filter(([, names]) => Object.keys(names).length).map(([title, names]) => el("fieldset", { class: "card" },
      el("legend", {}, title), Object.entries(names).filter(([name]) => name in found).map(([name, label]) => field(name, label, found[name]))))),
      el("div", { class: "row" }, el("button", { type: "submit" }, "Order these faults"),
        el("button", { type: "button", class: "plain", onclick: doing(async () => fill(await api("DELETE", "/faults"))) }, "A good day again")));
  };
  form.addEventListener("submit", doing(async () => {
    const wanted = {};
    for (const input of form.querySelectorAll("input")) wanted[input.name] = input.type === "checkbox" ? input.checked : Number(input.value);
    fill(await api("POST", "/faults", wanted));
  }));
  main.replaceChildren(...head("Faults", "The vendors' bad days. A share is a part of requests, 0 to 1."), form);
  fill(await api("GET", "/faults"));
}
