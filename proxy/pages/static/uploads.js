// What learners send from a course's page: here is only what notices it. What is to be done (pieces, a smaller copy) is
// loaded when it is needed, by `need`. What isn't understood is left to the browser; without this every form works as ever.
const told = document.getElementById("tropa-page"), P = XMLHttpRequest.prototype, F = HTMLFormElement.prototype;
if (!told || !told.dataset.upload || !FormData.prototype.entries || window.tropaUploads) { return; }
const [photoSide, photoQuality, filmSide, filmBps, soundBps, above, most, upBps] = told.dataset.upload.split(" ").map(Number);
const raw = { open: P.open, send: P.send, head: P.setRequestHeader, abort: P.abort, submit: F.submit, fetch: window.fetch };
const busy = new Set(), loading = {};
const kit = window.tropaUploads = { told, raw, photoSide, photoQuality, filmSide, filmBps, soundBps, upBps, need, busy };

function need(...names) { // parts of these scripts, in this order
  return Promise.all(names.map((name) => loading[name] = loading[name] || new Promise((done, fail) => {
    const script = document.createElement("script");
    script.async = false;
    script.onload = done;
    script.onerror = () => { delete loading[name]; fail(new Error("link")); };
    script.src = says.parts[name];
    document.head.append(script);
  })));
}

// -- forms with heavy files ---------------------------------------------------------------------------------------
kit.isFile = (value) => value instanceof File && value.size > 0;
function heavy(data) {
  let total = 0;
  for (const [, value] of data.entries()) { if (kit.isFile(value)) { total += value.size; } }
  return above > 0 && total > above && total <= most;
}
function atHome(address) {
  try {
    const url = new URL(address, document.baseURI);
    return url.origin === location.origin && !url.pathname.startsWith("/.tropa/") ? url : null;
  } catch (e) { return null; }
}
// order: data, url, by ("form" or "script"), heads: more of the request's head, seen: told of progress;
// plainly: how the browser does it by itself; claimed: how the page gets the origin's answer; givenUp: she stopped it
function take(order, plainly, claimed, givenUp) {
  const work = { stop() { work.stopped = true; if (work.job) { work.job.stop(); } } };
  busy.add(work);
  need("panel", "pieces").then(() => {
    if (work.stopped) { return; }
    work.job = new kit.Job(order);
    return work.job.run();
  }).then(() => {
    busy.delete(work);
    if (work.stopped) { givenUp(); return; }
    claimed(work.job.token());
    work.job.over();
  }, () => {
    busy.delete(work);
    if (work.job) { work.job.over(); }
    if (work.stopped || (work.job && work.job.stopped)) { givenUp(); } else { plainly(); }
  });
  return work;
}
addEventListener("beforeunload", (e) => { if (busy.size) { e.preventDefault(); e.returnValue = ""; } });

function takesForm(form, button) {
  const say = (name) => (button && button.getAttribute("form" + name)) || form.getAttribute(name) || "";
  const url = atHome(say("action") || location.href), target = say("target");
  const frame = target && target !== "_self" && [...document.querySelectorAll("iframe")].find((one) => one.name === target);
  const inPage = !target || target === "_self" || frame;
  const utf8 = document.characterSet === "UTF-8" && /^(utf-?8)?$/i.test(form.getAttribute("accept-charset") || "");
  if (!url || !inPage || !utf8 || say("method").toLowerCase() !== "post" || say("enctype") !== "multipart/form-data") { return false; }
  if ([...busy].some((work) => work.of === form)) { return true; }
  let data;
  try { data = new FormData(form, button); } catch (e) { data = new FormData(form); }
  if (button && button.name && !data.has(button.name)) { data.append(button.name, button.value); }
  if (!heavy(data)) { return false; }
  // A script takes the first thing that its frame loads for the answer: until that comes the frame has loaded nothing.
  const hush = (e) => { if (e.target === frame) { e.stopImmediatePropagation(); } };
  const speak = () => document.removeEventListener("load", hush, true);
  const givenUp = () => { // whoever waits for the frame is answered: with an error as Moodle's scripts know it, and plain to read
    speak();
    if (frame) { frame.srcdoc = Object.assign(document.createElement("pre"), { textContent: JSON.stringify({ error: says.stopped, errorcode: "stopped" }) }).outerHTML; }
  };
  document.addEventListener("load", hush, true);
  take({ data, url, by: "form", heads: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" } }, () => {
    speak();
    submitted(url.href, target, [...data.entries()]);
  }, (token) => {
    const address = new URL(url.href);
    address.hash = "";
    speak();
    submitted(address.href + (url.search ? "&" : "?") + "tropa-answer=" + token + url.hash, target, []);
  }, givenUp).of = form;
  return true;
}
function submitted(action, target, entries) { // as it was then: a script may have changed its own form since
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action, target, enctype: entries.length ? "multipart/form-data" : "", hidden: true });
  entries.forEach(([name, value]) => {
    const field = document.createElement(typeof value === "string" ? "textarea" : "input");
    field.name = name;
    if (typeof value === "string") { field.value = value; } else { field.type = "file"; field.files = kit.given(value.name ? [value] : []).files; }
    form.append(field);
  });
  document.body.append(form);
  raw.submit.call(form);
}
addEventListener("submit", (e) => { // last of all listeners: the page's own have had their say
  if (!e.defaultPrevented && e.target instanceof HTMLFormElement && takesForm(e.target, e.submitter)) { e.preventDefault(); }
});
F.submit = function () { if (!takesForm(this)) { raw.submit.call(this); } };

// -- scripts of the course ----------------------------------------------------------------------------------------
const asked = new WeakMap();
P.open = function (method, url, wait) {
  asked.set(this, { url: /^post$/i.test(method) && wait !== false ? atHome(url) : null, heads: {} });
  return raw.open.apply(this, arguments);
};
P.setRequestHeader = function (name, value) {
  const known = asked.get(this);
  if (known) { known.heads[name] = value; }
  return raw.head.apply(this, arguments);
};
P.abort = function () {
  const known = asked.get(this);
  if (known && known.work) {
    known.work.stop();
    known.work = null;
    raw.open.call(this, "GET", "data:,"); // what is under way is given up with all that belongs to it
    raw.send.call(this);
  }
  return raw.abort.apply(this, arguments);
};
function nowhere(x) { // sent to where nothing is: the page meets a request that fails, in the browser's own way
  const url = URL.createObjectURL(new Blob());
  URL.revokeObjectURL(url);
  raw.open.call(x, "POST", url);
  raw.send.call(x);
}
P.send = function (body) {
  const x = this, known = asked.get(x);
  if (!known || !known.url || !(body instanceof FormData) || !heavy(body)) { return raw.send.apply(x, arguments); }
  const tell = (node, type, loaded, total) => node.dispatchEvent(new ProgressEvent(type, { lengthComputable: total > 0, loaded, total }));
  const seen = (n, all) => tell(x.upload, "progress", n, all);
  known.work = take({ data: body, url: known.url, by: "script", heads: known.heads, seen }, () => {
    known.work = null;
    raw.send.call(x, body);
  }, (token) => {
    known.work = null;
    tell(x.upload, "load", 1, 1);
    raw.head.call(x, "Tropa-Upload", "answer " + token);
    raw.send.call(x);
  }, () => {
    if (known.work) { nowhere(x); } // else the page itself has given it up
    known.work = null;
  });
};
// Of fetch only what is plain: an address, a form, options whose meaning is known here. All else passes untouched.
const PLAIN = { method: /^post$/i, body: 0, headers: 0, signal: 0, credentials: /^(same-origin|include)$/, mode: /^(cors|same-origin)$/,
  redirect: 0, cache: 0, referrerPolicy: 0, priority: 0 };
function isPlain(init) {
  return Object.keys(init).every((key) => key in PLAIN && (!PLAIN[key] || PLAIN[key].test(init[key]))) &&
    !(init.signal && init.signal.aborted) && !new Headers(init.headers).has("Content-Type");
}
window.fetch = function (address, init) {
  const mine = init && init.method && init.body instanceof FormData && (typeof address === "string" || address instanceof URL);
  const url = mine && isPlain(init) && heavy(init.body) ? atHome(address) : null;
  if (!url) { return raw.fetch.apply(this, arguments); }
  return new Promise((done, fail) => {
    const heads = new Headers(init.headers), leave = () => work.stop();
    const end = (then) => { if (init.signal) { init.signal.removeEventListener("abort", leave); } then(); };
    const work = take({ data: init.body, url, by: "script", heads: Object.fromEntries(heads) }, () => end(() => {
      done(raw.fetch.call(window, address, init));
    }), (token) => end(() => {
      heads.set("Tropa-Upload", "answer " + token);
      done(raw.fetch.call(window, address, Object.assign({}, init, { body: undefined, headers: heads })));
    }), () => end(() => fail(init.signal && init.signal.aborted ? new DOMException("Aborted", "AbortError") : new TypeError("Failed to fetch"))));
    if (init.signal) { init.signal.addEventListener("abort", leave); }
  });
};

// -- files that may be offered smaller: photographs, films, sound; documents never -----------------------------------
const settled = new WeakSet();
kit.kind = (file) => {
  if (photoSide && file.size > 150000 && (/^image\/(jpeg|png|webp|heic|heif)$/.test(file.type) || /\.hei[cf]$/i.test(file.name))) { return "photo"; }
  const one = /^(video|audio)\//.exec(file.type);
  return one && file.size > 300000 && (one[1] === "video" ? filmSide : soundBps) ? one[1] : "";
};
kit.given = (files) => {
  const box = new DataTransfer();
  files.forEach((file) => box.items.add(file));
  return box;
};
kit.go = (input, files) => { // the page hears of what she has chosen
  if (files) { input.files = kit.given(files).files; }
  settled.add(input);
  ["input", "change"].forEach((type) => input.dispatchEvent(new Event(type, { bubbles: true })));
  settled.delete(input);
};
function offered(key, accept, files, go) {
  need("panel", "smaller").then(() => kit.offer(key, accept, files, go)).catch(() => go());
}
function chosen(e) {
  const input = e.target;
  if (!(input instanceof HTMLInputElement) || input.type !== "file" || settled.has(input)) { return; }
  if (kit.close) { kit.close(input); }
  const files = [...input.files];
  if (!files.some(kit.kind)) { return; }
  e.stopImmediatePropagation(); // the course's own scripts hear of it when she has chosen
  if (e.type === "change") { offered(input, input.accept, files, (smaller) => kit.go(input, smaller)); }
}
function dropped(e) { // only where the page takes what is dropped: elsewhere a browser tells nobody of it
  const items = e.dataTransfer ? [...e.dataTransfer.items] : [], files = e.dataTransfer ? [...e.dataTransfer.files] : [];
  if (!e.isTrusted || !files.some(kit.kind) || items.length !== files.length || (e.target.matches && e.target.matches("input[type=file]"))) { return; }
  if (items.some((item) => item.webkitGetAsEntry && (item.webkitGetAsEntry() || {}).isDirectory)) { return; }
  e.preventDefault();
  e.stopImmediatePropagation();
  const { target, clientX, clientY, screenX, screenY } = e, dataTransfer = kit.given(files);
  offered({}, "", files, (smaller) => target.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, composed: true,
    clientX, clientY, screenX, screenY, dataTransfer: smaller ? kit.given(smaller) : dataTransfer })));
}
if (photoSide + filmSide + soundBps && window.DataTransfer) {
  addEventListener("input", chosen, true);
  addEventListener("change", chosen, true);
  addEventListener("drop", dropped, true);
}

// -- after the page was loaded again ------------------------------------------------------------------------------
try {
  const left = JSON.parse(sessionStorage.getItem("tropa-upload"));
  if (left && left[0] === location.pathname) { need("panel", "pieces").then(() => kit.left(...left.slice(1)), () => 0); }
} catch (e) { /* nothing was left */ }
