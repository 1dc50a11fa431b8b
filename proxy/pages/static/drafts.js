// Typed text, kept on the device until the course has it; and what a page of answers says while the link is down.
// Laws: never a password, a hidden field or a file; nothing is sent, replaced or held back, and nothing is called saved.
(function () {
  "use strict";
  var told = document.getElementById("tropa-page").dataset, tropa = window.tropa, say = window.tropaSays;
  var answers = Boolean(told.answers), SECRET = /pass|sesskey|token|card|cvv|logintoken/i, TEXT = /^(text|search|url|textarea|number)$/;
  var page = location.pathname + location.search.replace(/([?&])(sesskey|_)=[^&]*/g, "$1"), first = {}, timer, down = false, asked = 0;
  var early = []; // where she typed before it was known what the page itself says: on a thin link this script comes late
  function hears(event) { early.push(event.target); }
  document.addEventListener("input", hears, true);

  function form(field) { return field.form || (field.closest && field.closest("form")); }
  function isKept(field) {
    var owner = form(field), name = field.name || field.id;
    if (!owner || owner.method !== "post" || !name || SECRET.test(name) || /cc-|password/.test(field.autocomplete || "")) { return false; }
    return field.isContentEditable || TEXT.test(field.type) || (answers && /^(radio|checkbox|select-one)$/.test(field.type));
  }
  function fields() { return [].filter.call(document.querySelectorAll("textarea,input,select,[contenteditable=true]"), isKept); }
  function isBox(field) { return /^(radio|checkbox)$/.test(field.type); }
  function name(field) { return (field.name || field.id) + (isBox(field) ? "=" + field.value : ""); }
  function read(field) {
    var editor = window.tinyMCE && field.id && window.tinyMCE.get(field.id);
    if (editor) { return editor.getContent(); }
    return isBox(field) ? String(field.checked) : field.isContentEditable ? field.innerHTML : field.value;
  }
  function write(field, text) {
    var editor = window.tinyMCE && field.id && window.tinyMCE.get(field.id);
    if (editor) { editor.setContent(text); }
    if (isBox(field)) { field.checked = text === "true"; }
    else if (field.isContentEditable) { field.innerHTML = text; }
    else { field.value = text; }
    // The course's own scripts (counters, autosave) hear it as if it were typed.
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // -- keeping
  function keep() {
    timer = 0;
    var texts = {}, any = false;
    fields().forEach(function (field) {
      var key = name(field), now = read(field);
      if (now !== first[key]) { texts[key] = { now: now, first: first[key] || "" }; any = true; }
    });
    if (any) { tropa.put("drafts", { key: page, href: location.href, title: document.title, at: Date.now(), texts: texts }); }
  }
  function soon() { if (!timer) { timer = setTimeout(keep, 700); } }
  function typed(event) { if (isKept(event.target)) { soon(); if (answers) { probe(); } } }

  // -- giving back
  function giveBack(draft, force) {
    var given = 0, differs = 0;
    fields().forEach(function (field) {
      var saved = draft.texts[name(field)], now = read(field);
      if (!saved || saved.now === now) { return; }
      if (force || now === saved.first) { write(field, saved.now); given += 1; } else { differs += 1; }
    });
    // Sent once, but nobody said that it arrived: whether to send it again is hers to see.
    if (given) { tropa.notice("tropa-draft", (draft.sent ? say.maybe_sent : say.given_back).replace("%", tropa.moment(draft.at))); }
    if (differs) { // the course has another text meanwhile: she chooses
      var line = tropa.notice("tropa-draft", say.other_text.replace("%", tropa.moment(draft.at)), say.put_back, "#");
      line.lastChild.addEventListener("click", function (event) { event.preventDefault(); line.remove(); giveBack(draft, true); });
    }
    if (!given && !differs) { tropa.drop("drafts", draft.key); }
  }
  function arrived(draft) { // the form's answer is this page, or the page shows the text, or our own outbox took it
    var entry = performance.getEntriesByType("navigation")[0], text = document.body.innerText.replace(/\s+/g, " ");
    if (!draft.sent) { return false; }
    return (entry && entry.type === "navigate" && document.referrer.indexOf(location.origin + draft.key) === 0) ||
      document.referrer.indexOf(location.origin + "/.tropa/") === 0 ||
      Object.keys(draft.texts).some(function (name) {
        var typed = draft.texts[name].now.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
        return typed.length > 20 && text.indexOf(typed.slice(0, 200)) >= 0;
      });
  }
  function isHers(field) {
    var touched = field === document.activeElement || early.indexOf(field) >= 0;
    return touched && TEXT.test(field.type) && field.value !== field.defaultValue;
  }
  function begin(drafts) {
    document.removeEventListener("input", hears, true);
    fields().forEach(function (field) {
      var hers = isHers(field);
      first[name(field)] = hers ? field.defaultValue : read(field);
      if (hers) { soon(); }
    });
    drafts.forEach(function (draft) {
      if (arrived(draft) || draft.at < Date.now() - 3e9) { tropa.drop("drafts", draft.key); }
      else if (draft.key === page) { giveBack(draft, false); }
    });
    document.addEventListener("input", typed, true);
    document.addEventListener("change", typed, true);
    document.addEventListener("submit", function () {
      keep();
      tropa.list("drafts").then(function (all) {
        all.forEach(function (one) { if (one.key === page) { one.sent = Date.now(); tropa.put("drafts", one); } });
      });
    }, true);
    addEventListener("pagehide", keep);
  }

  // -- no link, on a page of answers
  function show(isDown) {
    var line = document.getElementById("tropa-down");
    if (isDown && !down) { keep(); tropa.notice("tropa-down", say.down); }
    if (!isDown && line) { line.textContent = say.up; setTimeout(function () { line.remove(); }, 8000); }
    down = isDown;
  }
  function probe(now) { // while she types, at most every half minute; and when the browser says that something changed
    if (!now && Date.now() - asked < 30000) { return; }
    asked = Date.now();
    if (navigator.onLine === false) { show(true); return; }
    tropa.ask({ act: "probe" }).then(function (end) {
      show(!end.up);
      if (!end.up) { setTimeout(function () { probe(true); }, 20000); }
    });
  }
  if (answers) {
    addEventListener("offline", function () { show(true); });
    addEventListener("online", function () { probe(true); });
    if (navigator.onLine === false) { show(true); }
  }
  tropa.list("drafts").then(begin);
}());
