// A mailbox: mails as they arrived, an answer that quotes, and how its server behaves.
import { api, chooser, doing, el, keyed, linked, poll, state, time } from "./tools.js";

function address(text) {
  const found = /<([^>]+)>/.exec(text || "");
  return found ? found[1] : (text || "").trim();
}

function quoted(mail) {
  const words = mail.text || (mail.html ? new DOMParser().parseFromString(mail.html, "text/html").body.textContent : "");
  const when = new Date(mail.at).toLocaleString();
  return `\n\nOn ${when}, ${mail.from_header || mail.from} wrote:\n` + words.split("\n").map((one) => "> " + one).join("\n");
}

// As the mail API takes a file.
async function encoded(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return { filename: file.name, type: file.type || "application/octet-stream", content: btoa(text) };
}

const header = (mail, name) => (mail.headers.find((one) => one[0].toLowerCase() === name) || [])[1];
const answered = (mail) => address(header(mail, "reply-to") || mail.from_header || mail.from);

function show(mail, write) {
  const headers = mail.headers.length ? mail.headers : [["From", mail.sender], ["To", mail.to], ["Subject", mail.subject]];
  const parts = [el("dl", { class: "headers" }, headers.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, linked(value))]))];
  if (mail.html) {
    parts.push(el("iframe", { title: "HTML of " + mail.subject, sandbox: "allow-popups allow-popups-to-escape-sandbox", src: `/carrier/api/mails/${encodeURIComponent(mail.id)}/html` }));
  }
  if (mail.text) {
    const plain = el("pre", {}, linked(mail.text));
    parts.push(mail.html ? el("details", {}, el("summary", {}, "Plain text"), plain) : plain);
  }
  if (mail.attachments.length) {
    parts.push(el("ul", {}, mail.attachments.map((file) => el("li", {},
      file.url ? el("a", { href: file.url, download: file.filename }, file.filename) : file.filename, ` (${file.size} bytes)`))));
  }
  if (!mail.mine) parts.push(el("p", {}, el("button", { type: "button", onclick: () => write(mail) }, "Reply")));
  return parts;
}

export async function mailbox(main, box) {
  const about = await api("GET", "/console");
  document.title = box + " · Simulated carrier";
  const who = el("p", { class: "soft" });
  const list = el("div");
  const modes = el("div", { class: "row" });
  const field = (id, label, node) => { node.id = id; return el("p", {}, el("label", { for: id }, label), node); };
  const to = el("input", { type: "email" });
  const subject = el("input", {});
  const text = el("textarea", { rows: 9 });
  const html = el("textarea", { rows: 4, spellcheck: "false" });
  const files = el("input", { type: "file", multiple: true });
  const sent = el("p", { role: "status", class: "soft" });
  let answering = null;
  let usual = "";
  const form = el("form", {}, field("to", "To", to), field("subject", "Subject", subject), field("text", "Text", text),
    field("html", "HTML, if it is to have any", html), field("files", "Files", files),
    el("div", { class: "row" }, el("button", { type: "submit" }, "Send"), el("button", { type: "reset", class: "plain" }, "Clear")), sent);
  form.addEventListener("reset", () => { answering = null; sent.textContent = ""; setTimeout(() => { to.value = usual; }); });
  form.addEventListener("submit", doing(async () => {
    const attachments = await Promise.all([...files.files].map(encoded));
    await api("POST", "/mail", { from: box, to: to.value, subject: subject.value, text: text.value, html: html.value, attachments, in_reply_to: answering });
    form.reset();
    sent.textContent = "Sent.";
    again();
  }));
  const write = (mail) => {
    to.value = answered(mail);
    subject.value = /^re:/i.test(mail.subject) ? mail.subject : "Re: " + mail.subject;
    text.value = quoted(mail);
    answering = header(mail, "message-id");
    sent.textContent = "";
    text.focus();
    text.setSelectionRange(0, 0);
  };
  main.replaceChildren(el("h1", {}, box), who, el("div", { class: "columns" },
    el("section", { class: "card", "aria-labelledby": "mails" }, el("h2", { id: "mails" }, "Mails"), list),
    el("div", {},
      el("section", { class: "card", "aria-labelledby": "write" }, el("h2", { id: "write" }, "Write to the bank"),
        el("p", { class: "small soft" }, `Mail to @${about.inbound_domain} reaches the product. To begin with, it goes where an answer to the newest mail goes.`), form),
      el("section", { class: "card", "aria-labelledby": "mode" }, el("h2", { id: "mode" }, "Behaviour"), modes))));
  let shown = "";
  const again = poll(() => api("GET", "/mailbox/" + encodeURIComponent(box)), (found) => {
    who.textContent = [found.name, found.firm, found.kind === "staff" ? "staff" : "", found.suppressed.length ? "on the lists: " + found.suppressed.join(", ") : ""].filter(Boolean).join(" · ");
    found.mails.reverse();
    // Where their answer to the newest mail would go; a box that has got none writes of its own accord.
    const newest = found.mails.find((mail) => !mail.mine);
    const before = usual;
    usual = newest ? answered(newest) : "alerts@" + about.inbound_domain;
    if (to.value === before) to.value = usual;
    keyed(list, found.mails, (mail) => mail.id, (mail, old) => {
      const lost = !mail.mine && !mail.reached;
      return el("details", { class: "mail card", open: old ? old.open : mail === found.mails[0] },
        el("summary", {}, el("strong", {}, (mail.mine ? "Written: " : "") + (mail.subject || "(no subject)")), " ", state(mail.state),
          el("span", { class: "soft small" }, " " + time(mail.at), mail.error ? " · " + mail.error : "", mail.answer ? " · " + mail.answer : "")),
        lost ? el("p", { class: "soft" }, "Not (yet) in this mailbox.") : show(mail, write));
    });
    if (found.behaviour.mode !== shown && !modes.contains(document.activeElement)) {
      shown = found.behaviour.mode;
      modes.replaceChildren(chooser("email", box, about.modes.email, shown));
    }
    api("POST", "/seen", { address: box }).catch(() => {});
  });
}
