// A learner's own store, as a service worker. TROPA (set above, by the server) says how much, how long, which paths.
// Laws: it never touches a POST, another site, or anything where answers count; a page is kept only where the server
// marked its answer with this learner's id; one learner's things at a time; in doubt the browser does what it would.
"use strict";
const BOX = "tropa-box", SHELL = "tropa-shell", WHOSE = "/.tropa/whose";
const AT = "tropa-at", SIZE = "tropa-bytes", ASKED = "tropa-asked", LOOSE = { ignoreVary: true };
const MINE = { credentials: "same-origin" };
const PARTS = /^(style|script|image|font|track)$/;
const shown = {}, fresh = {}; // address -> when the copy that was shown was kept; when a newer one came behind it
let swept = 0, doing = Promise.resolve();

function paths(source) { // a pattern that this browser doesn't know keeps us out of everything
  try { return new RegExp(source); } catch (e) { return /^/; }
}
const SACRED = paths(TROPA.sacred), LOGOUT = paths(TROPA.logout);

function path(address) {
  const url = address && new URL(address, location);
  return url && url.origin === location.origin ? url.pathname : "";
}
function plain(address) { return address.split("#")[0]; }
function wait(seconds) { return new Promise((done) => setTimeout(done, seconds * 1000)); }
async function match(address) {
  return await (await caches.open(BOX)).match(plain(address), LOOSE) ||
    (await caches.open(SHELL)).match(plain(address), LOOSE);
}
async function whose() {
  const told = await (await caches.open(BOX)).match(WHOSE);
  return told ? told.text() : "";
}
function wipe() {
  return Promise.all([caches.delete(BOX), new Promise((done) => {
    const gone = indexedDB.deleteDatabase("tropa");
    gone.onsuccess = gone.onerror = gone.onblocked = done;
  })]);
}
async function quit() {
  await wipe();
  await caches.delete(SHELL);
  await self.registration.unregister();
}

// -- keeping

async function put(address, response, asked) {
  const body = await response.blob(), box = await caches.open(BOX), old = await box.match(address, LOOSE);
  if (body.size > TROPA.max / 4) { return 0; }
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  headers.set(AT, Date.now());
  headers.set(SIZE, body.size);
  if (asked || (old && old.headers.get(ASKED))) { headers.set(ASKED, "1"); }
  await box.put(address, new Response(body, { headers }));
  if (Date.now() > swept + 20000) { swept = Date.now(); await sweep(box); }
  return body.size;
}
async function room() {
  const told = navigator.storage && navigator.storage.estimate ? await navigator.storage.estimate() : {};
  const saving = navigator.connection && navigator.connection.saveData;
  return Math.min(TROPA.max / (saving ? 2 : 1), (told.quota || 1e12) / 3);
}
async function sweep(box) { // what was only opened goes before what was asked for, and the oldest first
  const all = [], limit = await room();
  let total = 0;
  for (const request of await box.keys()) {
    const head = (await box.match(request, LOOSE)).headers;
    if (head.get(AT)) {
      all.push({ request, at: +head.get(AT), bytes: +head.get(SIZE), asked: head.get(ASKED) ? 1 : 0 });
      total += +head.get(SIZE);
    }
  }
  all.sort((a, b) => a.asked - b.asked || a.at - b.at);
  for (const one of all) {
    if (total > limit || one.at < Date.now() - TROPA.keep_s * 1000) {
      await box.delete(one.request);
      total -= one.bytes;
    }
  }
}
async function keepAsked(message, tell) { // a page or a lecture with all that it is made of, one after the other
  for (let i = 0; i < message.list.length; i += 1) {
    const address = plain(message.list[i]);
    let answer = await match(address);
    if (!answer) {
      // A course's page is another one when a script asks for it: its own page asks again.
      if (!/^\/\.tropa\/(media|static)\//.test(path(address))) { return { state: "again" }; }
      answer = await fetch(address, MINE);
      if (!answer.ok || answer.redirected) { return { state: "failed" }; }
    }
    if (!await put(address, answer, true)) { return { state: "full" }; }
    tell({ state: "fetching", done: (i + 1) / message.list.length });
  }
  return { state: "kept" };
}
async function fetchLater(message, tell) { // what was asked for the free hours: have it made, wait for it, keep it
  const form = new URLSearchParams({ token: message.token });
  const made = await fetch(message.make, { method: "POST", body: form, credentials: "same-origin" });
  if (!made.ok || path(made.url).indexOf("/.tropa/media/") !== 0) { return { state: "visit" }; }
  for (let tries = 0; tries < 60; tries += 1) {
    const answer = await fetch(plain(made.url) + "/files.json", MINE);
    const told = answer.ok ? await answer.json() : {};
    if (told.list) {
      const all = await keepAsked({ list: [made.url].concat(told.list) }, tell);
      return { state: all.state, url: plain(made.url) };
    }
    if (!told.wait_s) { return { state: "failed" }; }
    tell({ state: "making" });
    await wait(told.wait_s * (1 + Math.random() / 2));
  }
  return { state: "failed" };
}

// -- answering

async function late(event, live) { // the answer of a link so bad that the kept page had to stand in for it
  const answer = await live, address = plain(event.request.url);
  if (!shown[address] || !answer.ok) { return; }
  fresh[address] = Date.now();
  for (const client of await self.clients.matchAll()) { client.postMessage({ tropa: "fresh", url: address }); }
}
async function kept(answer, address) { // only what the server marked as hers; a long download is never held twice
  const mark = answer.status === 200 && answer.headers.get("tropa-store"), copy = mark && answer.clone();
  if (mark && mark === await whose()) { await put(address, copy, false); }
}
async function page(event, live) {
  const address = plain(event.request.url), copy = await match(address);
  delete shown[address];
  if (copy && fresh[address] > Date.now() - 60000) {
    delete fresh[address];
    return copy;
  }
  try {
    const answer = await (copy ? Promise.race([live, wait(TROPA.patience_s)]) : live);
    if (answer && !(copy && answer.status >= 502 && answer.status <= 504)) { return answer; }
  } catch (e) {
    if (!copy) { return nothing(); }
  }
  shown[address] = +copy.headers.get(AT);
  return copy;
}
async function nothing() {
  const told = await (await caches.open(SHELL)).match(TROPA.shell[0]);
  return told ? new Response(await told.blob(), { status: 503, headers: told.headers }) : Response.error();
}
async function part(event) { // what a page is made of: what never changes from here, all else from the link first
  const request = event.request, copy = await match(request.url);
  const life = copy && /max-age=(\d+)/.exec(copy.headers.get("cache-control") || "");
  if (life && life[1] > 600000 && +copy.headers.get(AT) + life[1] * 1000 > Date.now()) { return copy; }
  try {
    const answer = await fetch(request);
    if (answer.status === 200 && answer.type === "basic" && await whose()) {
      event.waitUntil(put(plain(request.url), answer.clone(), false).catch(() => 0));
    }
    return answer;
  } catch (e) {
    if (copy) { return copy; }
    throw e;
  }
}
async function sound(request) { // players ask for pieces; only of what lies here whole
  const copy = await match(request.url), asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") || "");
  if (!copy || !asked) { return copy || fetch(request); }
  const body = await copy.blob(), from = +asked[1], to = Math.min(asked[2] ? +asked[2] : body.size, body.size - 1);
  const headers = new Headers(copy.headers);
  headers.set("content-range", "bytes " + from + "-" + to + "/" + body.size);
  headers.set("content-length", to - from + 1);
  return new Response(body.slice(from, to + 1), { status: from < body.size ? 206 : 416, headers });
}

self.addEventListener("fetch", (event) => {
  const request = event.request, here = path(request.url), kind = request.destination;
  if (!here) { return; }
  if (LOGOUT.test(here)) { event.waitUntil(wipe()); return; }
  if (request.method !== "GET" || SACRED.test(here) || SACRED.test(path(request.referrer))) { return; }
  if (request.mode === "navigate") {
    if (kind && kind !== "document") { return; }
    const live = fetch(request), done = live.then((answer) => kept(answer, plain(request.url)));
    event.waitUntil(done.then(() => late(event, live)).catch(() => 0));
    event.respondWith(page(event, live));
  } else if (here.indexOf("/.tropa/media/") === 0 && !/\.json$/.test(here)) {
    event.respondWith(PARTS.test(kind) ? part(event) : sound(request));
  } else if (PARTS.test(kind)) {
    event.respondWith(part(event));
  }
});

// -- talking with pages

async function hello(message) {
  const before = await whose();
  if (before && before !== message.who && !message.same) { await caches.delete(BOX); }
  await (await caches.open(BOX)).put(WHOSE, new Response(message.who));
  return { shown: shown[plain(message.url)] || 0 };
}
async function parts(message) { // of a page that came before us: only what the browser has at hand
  for (const address of message.list) {
    if (!await match(address)) {
      const had = await Promise.race([fetch(address, { cache: "only-if-cached", mode: "same-origin" }), wait(5)]).catch(() => 0);
      if (had && had.ok) { await put(address, had, false); }
    }
  }
  return {};
}
async function hours() {
  const told = await (await fetch("/.tropa/store/hours.json", MINE)).json();
  if (!told.on) { await quit(); }
  return told;
}
const ACTS = {
  hello, parts, hours, keep: keepAsked, later: fetchLater,
  probe: () => Promise.race([fetch("/.tropa/health", { cache: "no-store" }), wait(TROPA.patience_s)])
    .then((answer) => ({ up: Boolean(answer) })),
};
self.addEventListener("message", (event) => {
  const port = event.ports[0], tell = (told) => port.postMessage(told), act = ACTS[event.data.act];
  if (!act) { return; }
  // Heavy ones stand in line: two lectures at once would only share the link.
  const heavy = /keep|later/.test(event.data.act), next = (heavy ? doing : Promise.resolve()).then(() => act(event.data, tell));
  if (heavy) { doing = next.catch(() => 0); }
  event.waitUntil(next.then(tell, () => tell({ state: "failed" })));
});
self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll(TROPA.shell)));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
