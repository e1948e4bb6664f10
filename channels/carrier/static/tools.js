// Small tools the pages share: elements, requests, polling, lists that change without losing focus.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function say(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  if (text) setTimeout(() => { if (status.textContent === text) status.textContent = ""; }, 6000);
}

export async function api(method, path, body) {
  const options = { method };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const answer = await fetch("/carrier/api" + path, options);
  const text = await answer.text();
  const json = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Error((json && json.error) || "HTTP " + answer.status);
  return json;
}

// A press of a button: one at a time, errors shown instead of swallowed.
export function doing(work) {
  return async (event) => {
    if (event) event.preventDefault();
    try { await work(event); } catch (trouble) { say(trouble.message); }
  };
}

// `every`: milliseconds until the next look, asked each time.
export function poll(read, show, every = () => 2000) {
  let last = "";
  async function turn() {
    if (!document.hidden) {
      try {
        const found = await read();
        const text = JSON.stringify(found);
        if (text !== last) { last = text; show(found); }
      } catch (trouble) { say("The carrier does not answer: " + trouble.message); }
    }
    timer = setTimeout(turn, every());
  }
  let timer = setTimeout(turn, 0);
  return () => { clearTimeout(timer); last = ""; turn(); };
}

// Keeps the elements of unchanged items, so that focus, playing sound and open parts stay.
export function keyed(parent, items, key, make) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const wanted = items.map((item) => {
    const name = String(key(item));
    const print = JSON.stringify(item);
    let node = old.get(name);
    if (!node || node.dataset.print !== print) {
      const fresh = make(item, node);
      fresh.dataset.key = name;
      fresh.dataset.print = print;
      if (node && node !== fresh) node.replaceWith(fresh);
      node = fresh;
    }
    old.delete(name);
    return node;
  });
  for (const node of old.values()) node.remove();
  wanted.forEach((node, at) => { if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] || null); });
}

export const time = (text) => (text ? new Date(text).toLocaleTimeString() : "");
export const good = new Set(["delivered", "completed", "in-progress", "received", "posted"]);
export const ill = new Set(["undelivered", "failed", "bounced", "blocked", "dropped", "busy", "no-answer", "canceled"]);

export function state(text) {
  return el("span", { class: "tag " + (good.has(text) ? "good" : ill.has(text) ? "bad" : "") }, text);
}

// Text whose http(s) addresses can be followed.
export function linked(text) {
  return String(text).split(/(https?:\/\/[^\s<>"]+)/).map((part, at) =>
    at % 2 ? el("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part) : part);
}

export function chooser(channel, address, modes, current) {
  const id = "mode-" + channel;
  const select = el("select", { id }, modes.map((mode) => el("option", { value: mode, selected: mode === current }, mode)));
  select.addEventListener("change", doing(() => api("POST", "/behaviour", { channel, address, mode: select.value })));
  const names = { sms: "Texts here", voice: "Calls here", email: "Mail here", fax: "Faxes here" };
  return el("div", { class: "grow" }, el("label", { for: id }, names[channel]), select);
}
