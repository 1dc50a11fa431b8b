// The one script of ours in a course's page. Loads what this page needs, after the page itself; does nothing else.
// Each script loaded from here finds what it was told in document.getElementById("tropa-page").dataset.
(function () {
  "use strict";
  var told = document.getElementById("tropa-page");
  if (!told) { return; }
  var data = told.dataset;
  function load(address) {
    var script = document.createElement("script");
    script.src = address;
    document.head.appendChild(script);
  }
  // Where a file can be chosen: now, when the course's own scripts have made the field, or when one is dragged here.
  function whenFilesCanBeChosen(then) {
    function stands() { return document.querySelector("input[type=file]"); }
    function look() { if (stands()) { begin(); } }
    function begin() {
      watcher.disconnect();
      document.removeEventListener("dragenter", begin, true);
      then();
    }
    var watcher = new MutationObserver(look);
    watcher.observe(document.documentElement, { childList: true, subtree: true });
    document.addEventListener("dragenter", begin, true);
    look();
  }
  // A film in a moving picture's place stands still for whoever asked for less motion, until she plays it.
  if (data.films && window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
    Array.prototype.forEach.call(document.querySelectorAll("video.tropa-moving"), function (film) {
      film.removeAttribute("autoplay");
      film.controls = true;
      film.pause();
    });
  }
  if (data.keep) { load(data.keep); }
  if (data.uploads) { whenFilesCanBeChosen(function () { load(data.uploads); }); }
}());
