// Keeps the slide in step with the sound; without scripts the page shows all slides in order. ES5, for old phones.
(function () {
"use strict";
var root = document.documentElement;
root.className += " sc-js";
function start() {
  function by(id) { return document.getElementById(id); }
  function get(node, name) { return node.getAttribute("data-" + name); }
  function on(node, name, act) { node.addEventListener(name, act); }
  var box = by("sc"), sound = by("sc-sound"), list = by("sc-list"), now = by("sc-now"), live = by("sc-live"),
    button = by("sc-play"), speed = by("sc-speed"), words = by("sc-words"), here = -1, wait = -1, typed = "", timer;
  if (!sound || !sound.play) { root.className = root.className.replace(" sc-js", ""); return; }
  var slides = list ? list.getElementsByTagName("li") : [], last = slides.length - 1;
  var pictures = last >= 0 && /sc-all/.test(document.querySelector("main").className);
  function at(i) { return Number(get(slides[i], "at")); }
  function name(i) { return slides[i].getElementsByTagName("a")[0]; }
  function source(i) { return slides[(get(slides[i], "same") || i + 1) - 1].getElementsByTagName("img")[0].getAttribute("src"); }
  function show(time) {
    var i = last, was = here, text;
    while (i > 0 && at(i) > time + 0.05) { i--; }
    if (i === here || i < 0) { return; }
    if (was >= 0) { slides[was].className = ""; name(was).removeAttribute("aria-current"); }
    here = i;
    slides[i].className = "sc-here";
    name(i).setAttribute("aria-current", "true");
    text = get(slides[i], "words");
    if (pictures) {
      now.src = source(i);
      now.alt = name(i).textContent + (text ? ". " + text : "");
    }
    live.textContent = get(box, "says").replace("%n", i + 1).replace("%all", last + 1);
    try { if (was >= 0) { history.replaceState(null, "", "#slide-" + (i + 1)); } } catch (e) { /* a file */ }
  }
  function ahead() { // one slide
    if (pictures && !sound.paused && here < last) { new Image().src = source(here + 1); }
  }
  function seek(time) {
    if (sound.readyState) { sound.currentTime = time; } else { wait = time; sound.preload = "metadata"; sound.load(); }
    show(time);
  }
  function go(i) { if (last >= 0) { seek(at(Math.max(0, Math.min(last, i)))); } }
  function toggle() { if (sound.paused) { sound.play(); } else { sound.pause(); } }
  function told() { button.textContent = get(box, sound.paused ? "play" : "pause"); ahead(); }
  function hash() {
    var found = /^#slide-(\d+)$/.exec(location.hash);
    if (found) { go(found[1] - 1); }
    return found;
  }
  function stuck() { return sound.error || sound.networkState === 3; } // 3: from none of its sources
  function again() {
    var plays = !sound.paused;
    if (stuck()) { sound.load(); if (plays) { sound.play(); } }
  }
  function lost() { // the link was cut: go on where it was
    if (!stuck()) { return; }
    wait = Math.max(sound.currentTime, wait);
    live.textContent = get(box, "lost");
    setTimeout(again, 5000);
  }
  on(sound, "timeupdate", function () { if (sound.currentTime > 0) { show(sound.currentTime); ahead(); } });
  on(sound, "loadedmetadata", function () {
    if (wait >= 0) { sound.currentTime = wait; wait = -1; }
    sound.playbackRate = Number(speed.value);
  });
  on(sound, "play", told);
  on(sound, "pause", told);
  sound.addEventListener("error", function () { setTimeout(lost, 0); }, true); // its sources' own, too
  on(window, "online", again);
  on(window, "hashchange", hash);
  on(by("sc-back"), "click", function () { go(here - 1); });
  on(by("sc-on"), "click", function () { go(here + 1); });
  on(button, "click", toggle);
  on(speed, "change", function () { sound.playbackRate = Number(speed.value); });
  on(document, "click", function (event) {
    var link = event.target, time = link.className === "sc-name" ? get(link.parentNode, "at") : get(link, "at");
    if (link.tagName === "A" && time !== null) { event.preventDefault(); seek(Number(time)); sound.play(); box.scrollIntoView(); }
  });
  on(document, "keydown", function (event) {
    var key = event.key, tag = event.target.tagName, held = event.ctrlKey || event.altKey || event.metaKey;
    if (held || /SELECT|INPUT|AUDIO/.test(tag) || (key === " " && /BUTTON|SUMMARY/.test(tag))) { return; }
    if (key === " ") { toggle(); }
    else if (/^(Arrow)?Right$/.test(key)) { go(here + 1); }
    else if (/^(Arrow)?Left$/.test(key)) { go(here - 1); }
    else if (key === "Home") { go(0); }
    else if (key === "End") { go(last); }
    else if (/^\d$/.test(key)) {
      typed += key;
      clearTimeout(timer);
      timer = setTimeout(function () { go(typed - 1); typed = ""; }, 900);
    } else { return; }
    event.preventDefault();
  });
  var track = sound.textTracks && sound.textTracks[0];
  if (track) {
    track.mode = "hidden";
    words.hidden = false;
    track.oncuechange = function () {
      var cue = track.activeCues[0];
      words.textContent = cue ? cue.text.replace(/<[^>]*>/g, "") : "";
    };
  }
  by("sc-stage").hidden = !pictures;
  by("sc-bar").hidden = by("sc-keys").hidden = false;
  if (!hash()) { show(0); }
}
if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", start); } else { start(); }
}());
