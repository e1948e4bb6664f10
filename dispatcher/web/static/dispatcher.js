"use strict";
// Conveniences only: every page works without this file.

// The person's time zone, so that the server writes times in it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes("zone=" + zone)) {
  document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}

// A form is sent once, however often its button is pressed.
addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  const ask = event.submitter?.dataset.confirm;
  if (ask && !confirm(ask)) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// Where the bar has no room for all places, the one you are at is among those it shows.
const here = document.querySelector(".places a[aria-current]");
if (here) {
  const bar = here.closest("ul");
  bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
}

document.querySelector("[data-focus]")?.focus();
document.querySelectorAll("[data-select]").forEach((field) => field.addEventListener("focus", () => field.select()));

// What a text message would need. The exact number, with the link and the firm's name, is in the preview.
const GSM = /^[\n\r A-Za-z0-9@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~\]|€]*$/;
const TWICE = /[\^{}\\[~\]|€]/g;
function segments(text) {
  const plain = GSM.test(text);
  const units = plain ? text.length + (text.match(TWICE) || []).length : text.length;
  const [one, many] = plain ? [160, 153] : [70, 67];
  return { units, plain, number: units <= one ? 1 : Math.ceil(units / many) };
}
document.querySelectorAll("[data-counter]").forEach((output) => {
  const field = document.getElementById(output.dataset.counter);
  const show = () => {
    const { number, plain } = segments(field.value);
    const letters = [...field.value].length;
    // An alert's text message has room for so many; an answer's field takes no more than fit.
    const longer = letters > Number(output.dataset.whole || Infinity);
    output.textContent = letters === 0 ? "" :
      longer ? `${letters.toLocaleString()} characters: a text message carries the beginning and a link to the rest.` :
      `${letters.toLocaleString()} characters, at least ${number} text message ${number === 1 ? "segment" : "segments"}` +
      (plain ? "" : " (has letters or signs outside the basic set: segments are shorter)");
  };
  field.addEventListener("input", show);
  show();
});

// How many people the chosen lists name; who is on several counts once, which only the server knows.
document.querySelectorAll("[data-sum]").forEach((output) => {
  const boxes = [...document.querySelectorAll(`input[name="${output.dataset.sum}"]`)];
  const show = () => {
    const chosen = boxes.filter((box) => box.checked);
    const total = chosen.reduce((sum, box) => sum + Number(box.dataset.members), 0);
    output.textContent = chosen.length === 0 ? "None chosen." :
      `${chosen.length} chosen, ${total.toLocaleString()} entries; who is on several is reached once.`;
  };
  boxes.forEach((box) => box.addEventListener("change", show));
  show();
});

// A new form starts with this browser's zone.
document.querySelectorAll("select[data-zone]").forEach((field) => {
  if (field.dataset.zone === "browser" && zone && [...field.options].some((option) => option.value === zone)) field.value = zone;
});

// Warn before a file is sent that the server would refuse.
document.querySelectorAll("input[type=file][data-max]").forEach((field) => field.addEventListener("change", () => {
  const total = [...field.files].reduce((sum, file) => sum + file.size, 0);
  field.setCustomValidity(total > Number(field.dataset.max) ? `${(total / 1e6).toFixed(1)} MB; at most ${Number(field.dataset.max) / 1e6} MB are taken.` : "");
  field.reportValidity();
}));

// How long something has waited counts up. What is fetched anew brings its own beginning along.
function lasting(seconds) {
  for (const [size, large, small, name] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (seconds < size) continue;
    const rest = Math.floor(seconds % size / small);
    return `${Math.floor(seconds / size)} ${large}${rest ? ` ${rest} ${name}` : ""}`;
  }
  return `${seconds} s`;
}
if (document.querySelector("[data-since], [data-refresh]")) setInterval(() => document.querySelectorAll("[data-since]").forEach((age) => {
  age.began ??= performance.now() - 1000 * Number(age.dataset.since);
  age.textContent = lasting(Math.floor((performance.now() - age.began) / 1000));
}), 1000);

// Parts of a page that change while one looks: fetched again while the page is seen, until the server says it is over.
document.querySelectorAll("[data-refresh]").forEach((part) => {
  const seconds = Number(part.dataset.every || 2);
  let failures = 0;
  async function again() {
    if (document.hidden) return later();
    try {
      const answer = await fetch(part.dataset.refresh, { headers: { "X-Requested-With": "refresh" }, redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
      failures = 0;
      const over = fresh?.dataset.over === "yes";
      for (const [name, number] of Object.entries(JSON.parse(fresh?.dataset.numbers || "{}"))) {
        document.querySelectorAll(`[data-number="${name}"]`).forEach((one) => { one.firstChild.data = number; });
      }
      if (fresh && fresh.outerHTML !== part.firstElementChild?.outerHTML) {
        const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
        part.replaceChildren(fresh);
        if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
      }
      if (over) return part.dataset.reload ? location.reload() : undefined;
    } catch { if (++failures > 5) return; }
    later();
  }
  const later = () => setTimeout(again, seconds * 1000 * (1 + failures));
  later();
});

// A recording that was heard: nearly all of it, up to its end. Who only jumps to the end has not listened.
document.querySelectorAll("[data-heard]").forEach((part) => {
  const player = part.querySelector("audio");
  let told = false;
  player?.addEventListener("ended", () => {
    let seconds = 0;
    for (let at = 0; at < player.played.length; at++) seconds += player.played.end(at) - player.played.start(at);
    if (told || seconds < 0.9 * player.duration) return;
    told = true;
    fetch(part.dataset.heard, { method: "POST", keepalive: true }).catch(() => { told = false; });
  });
});
