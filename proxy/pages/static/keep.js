// The page's side of a learner's own store: whose it is, and whether this is a kept page. Loads the rest where it is due.
// Needs no other script; without it, or without a worker, the page is what the course made it.
(function () {
  "use strict";
  var told = (document.getElementById("tropa-page") || { dataset: {} }).dataset, say = window.tropaSays;
  var box = navigator.serviceWorker, here = location.href.split("#")[0], touched = false, worker;

  // One short transaction at a time: an open connection would hold up the wiping at a logout.
  function shelf(name, act) {
    return new Promise(function (done, fail) {
      var open = indexedDB.open("tropa", 1);
      open.onupgradeneeded = function () {
        ["meta", "pages", "drafts", "queue"].forEach(function (one) { open.result.createObjectStore(one, { keyPath: "key" }); });
      };
      open.onerror = fail;
      open.onsuccess = function () {
        var base = open.result, change = base.transaction(name, "readwrite"), wish = act(change.objectStore(name));
        change.oncomplete = function () { base.close(); done(wish && wish.result); };
        change.onabort = function () { base.close(); fail(change.error); };
      };
    });
  }
  function put(name, value) { return shelf(name, function (all) { return all.put(value); }); }
  function drop(name, key) { return shelf(name, function (all) { return all.delete(key); }); }
  function list(name) { return shelf(name, function (all) { return all.getAll(); }); }
  function moment(at) {
    return new Date(at).toLocaleString(say.lang, { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
  }
  function ask(message, heard) { // the worker's last word; heard: what it says before
    return new Promise(function (done) {
      var line = new MessageChannel();
      line.port1.onmessage = function (event) {
        if (/fetching|making/.test(event.data.state)) { if (heard) { heard(event.data); } } else { done(event.data); }
      };
      worker.postMessage(message, [line.port2]);
    });
  }
  function notice(id, text, link, href) { // a line at the lower edge: nothing of the page is replaced, or hidden for good
    var line = document.getElementById(id) || document.createElement("div"), style = line.style, way;
    line.id = id;
    line.setAttribute("role", "status");
    line.textContent = text + " ";
    style.cssText = "position:sticky;bottom:0;z-index:99999;padding:.6em 1em;font:16px/1.45 system-ui,sans-serif;" +
      "color:#222;background:#fff8dc;border-top:4px dashed #7a5b00;text-align:center";
    if (link) {
      way = line.appendChild(document.createElement("a"));
      way.textContent = link;
      way.href = href;
      way.style.cssText = "color:#0b5a33;text-decoration:underline";
    }
    document.body.appendChild(line);
    return line;
  }
  window.tropa = { put: put, drop: drop, list: list, ask: ask, notice: notice, moment: moment, here: here };

  function settled() { // another learner's things go before anything of this one's is kept
    var who = told.person && document.querySelector("[" + told.person + "]"), person = who && who.getAttribute(told.person);
    return list("meta").then(function (had) {
      var was = had[0] || {}, same = was.who === told.who || Boolean(person && was.person === person);
      if (was.person && !person && !same) { throw new Error("nobody's page"); } // a login ran out: hers until another comes
      var wiped = had[0] && !same ? ["pages", "drafts", "queue"] : [];
      return Promise.all(wiped.map(function (name) { return shelf(name, function (all) { all.clear(); }); })).then(function () {
        return put("meta", { key: "whose", who: told.who, person: person || (same && was.person) });
      }).then(function () { return same; });
    });
  }
  function mine(all) { // a worker of the course's own stays, and ours stays away
    return all.every(function (one) {
      return here.indexOf(one.scope) !== 0 || [one.active, one.waiting, one.installing].every(function (script) {
        return !script || new URL(script.scriptURL).pathname === told.worker.split("?")[0];
      });
    });
  }
  function first() { // the page may be bringing a worker of its own just now: then that was asked for, and ours isn't wanted
    return new Promise(function (done) {
      if (document.readyState === "complete") { done(); } else { window.addEventListener("load", done); }
    }).then(function () { return fetch(told.worker.replace("worker.js", "hours.json")); }).then(function (answer) {
      return answer.json();
    }).then(function (hours) { if (!hours.on) { throw new Error("it has its own"); } });
  }
  function parts() {
    return performance.getEntriesByType("resource").map(function (one) { return one.name; }).filter(function (name) {
      return name.indexOf(location.origin + "/") === 0 && /\.(css|js|png|jpe?g|gif|webp|avif|svg|woff2?)\b|\/\.tropa\/static/.test(name);
    });
  }
  function begin(shown) {
    if (shown) {
      notice("tropa-kept", say.kept.replace("%", moment(shown)), say.list, "/.tropa/store/");
    } else {
      put("pages", { key: here, title: document.title, at: Date.now() });
    }
    [told.shelf, document.querySelector("form textarea,form [contenteditable]") || told.answers ? told.drafts : ""]
      .filter(Boolean).forEach(function (address) {
        document.head.appendChild(document.createElement("script")).src = address;
      });
  }

  // -- the beginning
  if (!box || !told.who || !window.indexedDB) { return; }
  document.addEventListener("input", function () { touched = true; }, true);
  box.addEventListener("message", function (event) {
    if (event.data.tropa !== "fresh" || event.data.url !== here) { return; }
    if (touched || pageYOffset > 60) { notice("tropa-kept", say.fresh, say.show, here); } else { location.reload(); }
  });
  box.getRegistrations().then(function (all) {
    return all.length ? all : first().then(function () { return box.getRegistrations(); });
  }).then(function (all) {
    if (!mine(all)) { return; }
    return box.register(told.worker, { scope: "/" }).then(function () { return box.ready; }).then(function (there) {
      worker = there.active;
      return settled();
    }).then(function (same) {
      return ask({ act: "hello", who: told.who, same: same, url: here });
    }).then(function (answer) {
      begin(answer.shown);
      ask({ act: "parts", list: parts() });
    });
  }).catch(function () { /* a browser that lets no worker in: the page is what it was */ });
}());
