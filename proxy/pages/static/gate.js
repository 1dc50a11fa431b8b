// Counts down to an opening and opens the page then. Without scripts the page's refresh header does the same.
// Counts from the server's "seconds left", not from the device's clock, which is often wrong on old phones.
(function () {
  "use strict";
  var line = document.getElementById("tropa-countdown");
  if (!line) { return; }
  var left = Number(line.getAttribute("data-left"));
  var jitter = Number(line.getAttribute("data-jitter"));
  if (!(left >= 0) || !(jitter >= 0)) { return; }
  var started = Date.now();
  var units = [[86400, "days"], [3600, "hours"], [60, "minutes"], [1, "seconds"]];
  function text(total) {
    var parts = [];
    var seconds = total;
    for (var i = 0; i < units.length && parts.length < 2; i++) {
      var n = Math.floor(seconds / units[i][0]);
      seconds -= n * units[i][0];
      if (n > 0 || (i === 3 && total < 3600)) {
        parts.push(line.getAttribute("data-" + units[i][1]).replace("%", String(n)));
      }
    }
    return parts.join(" ");
  }
  function tick() {
    var now = left - Math.floor((Date.now() - started) / 1000);
    if (now > 0) {
      line.textContent = line.getAttribute("data-says").replace("%", text(now));
      // A minute's step while hours remain: an old phone need not wake each second.
      setTimeout(tick, now > 7200 ? 30000 : 1000);
    } else if (now > -jitter) {
      line.textContent = line.getAttribute("data-opening");
      setTimeout(tick, 1000);
    } else {
      location.reload();
    }
  }
  tick();
})();
