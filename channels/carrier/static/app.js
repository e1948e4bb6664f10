// The list, ledger and alerts; telephones, mailboxes and faults have files of their own.
import { api, doing, el, keyed, poll, state, time } from "./tools.js";
import { fax } from "./fax.js";
import { faults } from "./faults.js";
import { mailbox } from "./mailbox.js";
import { phone } from "./phone.js";

const main = document.getElementById("main");

function title(text, more) {
  document.title = text + " · Simulated carrier";
  return [el("h1", {}, text), el("p", { class: "soft" }, more)];
}

const ROLES = [["", "everybody"], ["customer", "customers"], ["analyst", "analysts"], ["officer", "officers"], ["rep", "representatives"],
  ["admin", "administrators"]];

function addresses() {
  const search = el("input", { id: "search", type: "search", autocomplete: "off" });
  const role = el("select", { id: "role" }, ROLES.map(([value, name]) => el("option", { value }, name)));
  const groups = [
    ["Customers' telephones", "phones", "customer"], ["Customers' mailboxes", "mailboxes", "customer"],
    ["Customers' fax machines", "faxes", "customer"],
    ["Staff telephones", "phones", "staff"], ["Staff mailboxes", "mailboxes", "staff"],
    ["Other telephones", "phones", "unknown"], ["Other fax machines", "faxes", "unknown"], ["Other mailboxes", "mailboxes", "unknown"],
  ];
  const lists = groups.map(([name, what, kind]) => {
    const list = el("ul", { class: "plain list" });
    const card = el("section", { class: "card", "aria-label": name }, el("h2", {}, name), list);
    return { what, kind, list, card };
  });
  main.replaceChildren(
    ...title("Phones, faxes and mailboxes", "Open one to read, ring the bank, answer, press keys and speak as its owner."),
    el("div", { class: "card row" }, el("div", { class: "grow" }, el("label", { for: "search" }, "Search by name, firm, number or address"), search),
      el("div", {}, el("label", { for: "role" }, "Show"), role)),
    el("div", { class: "columns" }, lists.map((group) => group.card)));
  const again = poll(() => api("GET", `/addresses?role=${role.value}&search=` + encodeURIComponent(search.value)), (found) => {
    for (const { what, kind, list, card } of lists) {
      const items = found[what].filter((item) => item.kind === kind);
      card.hidden = items.length === 0;
      keyed(list, items, (item) => item.address, (item) => {
        const path = { phones: "/phone/", faxes: "/fax/", mailboxes: "/mailbox/" }[what] + encodeURIComponent(item.address);
        return el("li", {}, el("a", { href: path },
          el("span", {}, el("span", { class: "name" }, item.name || item.address), " ", el("span", { class: "soft small" }, item.firm || item.roles.join(", "))),
          item.unread ? el("span", { class: "count", "aria-label": item.unread + " unread" }, String(item.unread)) : null,
          el("span", { class: "where" }, item.address)));
      });
    }
  });
  search.addEventListener("input", again);
  role.addEventListener("change", again);
}

function ledger() {
  const counts = el("p", {});
  const body = el("tbody");
  const channel = el("select", { id: "channel" }, ["", "email", "sms", "voice", "fax"].map((name) => el("option", { value: name }, name || "all")));
  main.replaceChildren(
    ...title("Ledger", "One line for everything the vendors accepted, and whether it reached its person. The newest 200."),
    el("div", { class: "card row" }, el("label", { for: "channel" }, "Channel"), el("div", {}, channel), counts),
    el("div", { class: "card scroll" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Accepted", "Channel", "To", "Text", "State", "Reached"].map((name) => el("th", { scope: "col" }, name)))),
      body)));
  const again = poll(async () => [
    await api("GET", "/ledger?limit=200&channel=" + channel.value), await api("GET", "/ledger/summary"),
  ], ([found, sum]) => {
    const part = ([name, n]) => `${name} ${n.reached} of ${n.accepted}`;
    counts.textContent = "Reached: " + Object.entries(sum.channels).map(part).join(", ")
      + (sum.duplicates.length ? `. ${sum.duplicates.length} addresses more than once` : "");
    keyed(body, found.entries.reverse(), (entry) => entry.id, (entry) => {
      const place = ({ email: "/mailbox/", fax: "/fax/" }[entry.channel] || "/phone/") + encodeURIComponent(entry.to);
      return el("tr", {}, el("td", {}, time(entry.accepted_at)), el("td", {}, entry.channel),
        el("td", {}, el("a", { href: place }, entry.to)),
        el("td", {}, (entry.subject || entry.text || (entry.transcript || []).map((line) => line.text).filter(Boolean).join(" ") || "").slice(0, 160)),
        el("td", {}, state(entry.state), entry.error ? " " + entry.error : ""), el("td", {}, time(entry.reached_at)));
    });
  });
  channel.addEventListener("change", again);
}

function alerts() {
  const body = el("tbody");
  const none = el("p", {}, "No alerts.");
  main.replaceChildren(
    ...title("Alerts", "What the vendors' debuggers would show: webhooks that failed, documents they could not use."),
    el("div", { class: "card scroll" }, none, el("table", {},
      el("thead", {}, el("tr", {}, ["Time", "Code", "What", "Where"].map((name) => el("th", { scope: "col" }, name)))), body)));
  poll(() => api("GET", "/alerts"), (found) => {
    none.hidden = found.alerts.length > 0;
    keyed(body, found.alerts.reverse(), (alert) => alert.id, (alert) => el("tr", {},
      el("td", {}, time(alert.at)), el("td", {}, String(alert.code)), el("td", {}, alert.text), el("td", {}, alert.sid || alert.url || "")));
  });
}

const [, first, second] = location.pathname.split("/");
for (const link of document.querySelectorAll("nav a")) {
  if (link.getAttribute("href") === "/" + (["phone", "fax", "mailbox"].includes(first) ? "" : first)) link.setAttribute("aria-current", "page");
}
const pages = { "": addresses, ledger, alerts, faults: () => faults(main, title), phone: () => phone(main, decodeURIComponent(second)), fax: () => fax(main, decodeURIComponent(second)), mailbox: () => mailbox(main, decodeURIComponent(second)) };
pages[first]();
