// What is kept on this device, what waits, and what was typed: from the device itself, so that it needs no link.
(function () {
  "use strict";
  var tropa = window.tropa, say = window.tropaSays;
  function by(id) { return document.getElementById("tropa-" + id); }
  function row(where, title, href, note) {
    var item = where.appendChild(document.createElement("li")), name = document.createElement(href ? "a" : "b"), small;
    name.textContent = title || href;
    if (href) { name.href = href; }
    item.appendChild(name);
    small = item.appendChild(document.createElement("span"));
    small.className = "tropa-figures";
    small.textContent = " " + note;
  }
  function fill(id, items, act) {
    by(id).hidden = !items.length;
    items.forEach(function (one) { act(by(id).querySelector("ul"), one); });
  }
  function kept(names) { // address -> title; the store itself says what is there and since when
    return caches.open("tropa-box").then(function (box) {
      return box.keys().then(function (all) {
        return Promise.all(all.map(function (request) { return box.match(request, { ignoreVary: true }); })).then(function (answers) {
          return answers.map(function (answer, i) {
            var page = names[all[i].url], type = answer.headers.get("content-type") || "";
            var at = +answer.headers.get("tropa-at"), document = /pdf|msword|officedocument|opendocument/.test(type);
            if (!at || !(page || document)) { return null; }
            return { at: at, href: all[i].url, title: page ? page.title : decodeURIComponent(all[i].url.split("/").pop().split("?")[0]) };
          }).filter(Boolean).sort(function (a, b) { return b.at - a.at; });
        });
      });
    });
  }
  function start() {
    Promise.all([tropa.list("pages"), tropa.list("queue"), tropa.list("drafts")]).then(function (all) {
      var names = {};
      all[0].forEach(function (page) { names[page.key] = page; });
      fill("drafts", all[2], function (list, one) { row(list, one.title, one.href, say.typed.replace("%", tropa.moment(one.at))); });
      fill("queue", all[1], function (list, one) { row(list, one.title, "", one.why ? say.not_yet : say.waits_free); });
      return kept(names);
    }).then(function (pages) {
      fill("pages", pages, function (list, one) { row(list, one.title, one.href, say.kept_at.replace("%", tropa.moment(one.at))); });
      by("nothing").hidden = pages.length > 0;
    });
    by("again").addEventListener("click", function () { location.reload(); });
    by("wipe").addEventListener("click", function () {
      caches.delete("tropa-box").then(function () {
        var gone = indexedDB.deleteDatabase("tropa");
        gone.onsuccess = gone.onerror = function () { location.reload(); };
      });
    });
  }
  if (!window.caches || !window.indexedDB) { return; }
  by("device").hidden = false;
  // The list itself is what she asked for: then no page is missing.
  if (location.pathname === "/.tropa/store/" && by("missing")) { by("missing").hidden = true; }
  start();
}());
