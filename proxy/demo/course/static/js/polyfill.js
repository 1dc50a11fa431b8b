// What browsers of ten years ago lacked.
(function (w) {
  if (!Array.prototype.includes) { Array.prototype.includes = function (x) { return this.indexOf(x) !== -1; }; }
  if (!String.prototype.padStart) { String.prototype.padStart = function (n, c) { var s = String(this); while (s.length < n) { s = (c || " ") + s; } return s; }; }
  if (!Element.prototype.closest) { Element.prototype.closest = function (q) { var n = this; while (n && n.nodeType === 1) { if (n.matches(q)) { return n; } n = n.parentNode; } return null; }; }
  w.define = w.define || function () {};
})(window);
