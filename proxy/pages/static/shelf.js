// What a learner asks to have kept, and what she put off to the free hours. Stands on keep.js.
(function () {
  "use strict";
  var tropa = window.tropa, say = window.tropaSays, here = tropa.here, ask = tropa.ask, put = tropa.put;
  // -- keep for later
  function lecture() { // everything that a lecture's page is made of, and one of its sounds
    var found = [here], sound = document.getElementById("sc-sound"), sources = sound ? sound.querySelectorAll("source") : [];
    document.querySelectorAll("link[rel=stylesheet],script[src],.tropa-sheet img,track").forEach(function (one) {
      found.push(one.src || one.href);
    });
    for (var i = 0; i < sources.length; i += 1) {
      if (sound.canPlayType(sources[i].type)) { found.push(sources[i].src); break; }
    }
    return found.filter(function (one, at) { return one && found.indexOf(one) === at; });
  }
  function offerToKeep() {
    var bar = document.querySelector(".tropa-bar p, #tropa-keep"), button = document.createElement("button");
    if (!bar) { return; }
    function keep() {
      button.disabled = true;
      ask({ act: "keep", list: bar.id ? lecture() : [here] }, function (now) {
        button.textContent = say.keeping.replace("%", Math.round(now.done * 100));
      }).then(function (end) {
        if (end.state === "again") { sessionStorage.tropaKeep = here; location.reload(); return; }
        button.textContent = end.state === "kept" ? say.is_kept : end.state === "full" ? say.no_room : say.not_kept;
        button.disabled = end.state === "kept";
        if (end.state === "kept") { put("pages", { key: here, title: document.title, at: Date.now(), asked: true }); }
      });
    }
    button.type = "button";
    button.className = bar.id ? "tropa-else" : "tropa-link";
    button.textContent = say.keep;
    button.addEventListener("click", keep);
    bar.hidden = false;
    if (!bar.id) { bar.appendChild(document.createTextNode(" ·\u00a0")); }
    bar.appendChild(button);
    if (sessionStorage.tropaKeep === here) { delete sessionStorage.tropaKeep; keep(); }
  }

  // -- the free hours
  function offerForLater() { // beside the recommended version: what its button asks for, put off
    document.querySelectorAll("[data-tropa-later]").forEach(function (line) {
      var now = line.parentNode.querySelector("button[formaction^='/.tropa/make/']"), button = line.querySelector("button");
      line.hidden = !now;
      button.addEventListener("click", function () {
        put("queue", { key: now.value, make: now.getAttribute("formaction"), token: now.value, title: line.dataset.tropaLater })
          .then(plan);
        button.disabled = true;
        button.textContent = say.waits;
      });
    });
  }
  function plan() { // asked once; then a timer, by the server's clock, since old phones' clocks are often wrong
    tropa.list("queue").then(function (waiting) {
      return waiting.length && ask({ act: "hours" }).then(function (told) {
        var left_s = told.free ? 0 : told.opens_in_s;
        if (!told.on || left_s == null) { return; }
        setTimeout(function () { run(waiting); }, Math.min(left_s + Math.random() * told.jitter_s, 2e6) * 1000);
      });
    });
  }
  function run(waiting) {
    var one = waiting.shift();
    if (!one) { return; }
    ask({ act: "hours" }).then(function (told) {
      if (!told.free) { plan(); return; }
      tropa.notice("tropa-later", say.fetching.replace("%", one.title));
      ask({ act: "later", make: one.make, token: one.token }).then(function (end) {
        var done = end.state === "kept";
        if (done) { put("pages", { key: end.url, title: one.title, at: Date.now(), asked: true }); }
        (done ? tropa.drop("queue", one.key) : put("queue", Object.assign(one, { why: end.state }))).then(function () {
          tropa.notice("tropa-later", (done ? say.fetched : say.not_fetched).replace("%", one.title), done && say.list, "/.tropa/store/");
          run(waiting);
        });
      });
    });
  }

  offerToKeep();
  offerForLater();
  plan();
}());
