// A fax machine: the sheets in its tray, a page to send back, and how it behaves.
import { api, chooser, doing, el, keyed, linked, poll, state, time } from "./tools.js";

function sheet(fax) {
  const paper = fax.text
    ? el("pre", { class: "paper", tabindex: "0", role: "region", "aria-label": "What stands on it" }, linked(fax.text.replace(/\f/g, "\n— next page —\n")))
    : el("p", { class: "soft" }, "A picture: open it to see it.");
  return [paper, el("p", {}, el("a", { href: `/carrier/api/faxes/${encodeURIComponent(fax.id)}/sheets`, target: "_blank", rel: "noopener" },
    `Open ${fax.pages === 1 ? "the page" : "all " + fax.pages + " pages"} as PDF`))];
}

export async function fax(main, number) {
  const about = await api("GET", "/console");
  document.title = "Fax " + number + " · Simulated carrier";
  const title = el("h1", {}, number);
  const who = el("p", { class: "soft" });
  const list = el("div");
  const modes = el("div", { class: "row" });
  const text = el("textarea", { id: "text", rows: 7 });
  const file = el("input", { id: "file", type: "file", accept: "application/pdf,.pdf" });
  const sent = el("p", { role: "status", class: "soft" });
  const form = el("form", {}, el("p", {}, el("label", { for: "text" }, "Type a page"), text),
    el("p", {}, el("label", { for: "file" }, "or choose a PDF"), file),
    el("div", { class: "row" }, el("button", { type: "submit" }, "Fax it to the bank"), el("button", { type: "reset", class: "plain" }, "Clear")), sent);
  form.addEventListener("submit", doing(async () => {
    if (file.files.length) {
      const body = new FormData();
      body.append("from", number);
      body.append("document", file.files[0]);
      await api("POST", "/fax", body);
    } else await api("POST", "/fax", { from: number, text: text.value });
    form.reset();
    sent.textContent = "Sent.";
    again();
  }));
  main.replaceChildren(title, who, el("div", { class: "columns" },
    el("section", { class: "card", "aria-labelledby": "tray" }, el("h2", { id: "tray" }, "Faxes"), list),
    el("div", {},
      el("section", { class: "card", "aria-labelledby": "write" }, el("h2", { id: "write" }, "Send a fax"),
        el("p", { class: "small soft" }, `${about.fax_line} takes faxes for the bank.`), form),
      el("section", { class: "card", "aria-labelledby": "mode" }, el("h2", { id: "mode" }, "Behaviour"), modes))));
  let shown = "";
  const again = poll(() => api("GET", "/fax/" + encodeURIComponent(number)), (found) => {
    title.textContent = found.name || number;
    who.textContent = [found.name ? "Fax " + number : "", found.firm].filter(Boolean).join(" · ");
    keyed(list, found.faxes.reverse(), (one) => one.id, (one, old) => el("details", { class: "mail card", open: old ? old.open : one === found.faxes[0] },
      el("summary", {}, el("strong", {}, one.mine ? "Sent" : "Fax"), " ", state(one.state),
        el("span", { class: "soft small" }, ` ${time(one.at)} · ${one.pages === 1 ? "1 page" : one.pages + " pages"} ${one.mine ? "to" : "from"} ${one.other}`, one.error ? " · " + one.error : "")),
      one.mine || one.arrived ? sheet(one) : el("p", { class: "soft" }, "Not (yet) in this tray.")));
    if (found.behaviour.mode !== shown && !modes.contains(document.activeElement)) {
      shown = found.behaviour.mode;
      modes.replaceChildren(chooser("fax", number, about.modes.fax, shown));
    }
    api("POST", "/seen", { address: "fax " + number }).catch(() => {});
  });
}
