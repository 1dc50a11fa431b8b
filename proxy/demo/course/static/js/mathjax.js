// Renders the TeX that the course writes: fractions, roots, powers, indices, sums, Greek letters, words.
// Looks for \( ... \) and \[ ... \] inside .filter_mathjaxloader_equation.
(function () {
  "use strict";
  window.define = window.define || function () {};
  var SIGNS = {
    cdot: "·", times: "×", le: "≤", ge: "≥", ne: "≠", approx: "≈", pm: "±", sum: "∑", infty: "∞", to: "→", in: "∈",
    alpha: "α", beta: "β", sigma: "σ", mu: "μ", Delta: "Δ", pi: "π", bar: "¯", ldots: "…", quad: " ", ",": " ", "%": "%"
  };
  function Reader(source) { this.s = source; this.i = 0; }
  Reader.prototype.group = function () {
    while (this.s[this.i] === " ") { this.i += 1; }
    if (this.s[this.i] === "{") {
      this.i += 1;
      var inner = this.list("}");
      this.i += 1;
      return inner;
    }
    return this.atom();
  };
  Reader.prototype.atom = function () {
    var c = this.s[this.i];
    if (c === "\\") {
      var found = /^\\([A-Za-z]+|.)/.exec(this.s.slice(this.i)), name = found[1];
      this.i += found[0].length;
      if (name === "frac") { return box("mfrac", box("span", this.group()), box("span", this.group())); }
      if (name === "sqrt") { return box("msqrt", text("√"), box("span", this.group())); }
      if (name === "text") { return box("mtext", text(this.raw())); }
      if (name === "bar") { return box("mbar", this.group()); }
      return text(SIGNS[name] || name, /^(sum)$/.test(name) ? "big" : "");
    }
    this.i += 1;
    return /[A-Za-zα-ω]/.test(c) ? box("i", document.createTextNode(c)) : text(c === "-" ? "−" : c);
  };
  Reader.prototype.raw = function () {
    var end = this.s.indexOf("}", this.i), words = this.s.slice(this.i + 1, end);
    this.i = end + 1;
    return words;
  };
  Reader.prototype.list = function (stop) {
    var out = document.createElement("span");
    while (this.i < this.s.length && this.s[this.i] !== stop) {
      var c = this.s[this.i];
      if (c === "^" || c === "_") { this.i += 1; out.appendChild(box(c === "^" ? "sup" : "sub", this.group())); }
      else if (c === "{") { out.appendChild(this.group()); }
      else { out.appendChild(this.atom()); }
    }
    return out;
  };
  function box(kind) {
    var tag = /^m/.test(kind) ? "span" : kind, node = document.createElement(tag);
    if (tag !== kind) { node.className = "mjx-" + kind; }
    for (var i = 1; i < arguments.length; i += 1) { node.appendChild(arguments[i]); }
    return node;
  }
  function text(words, kind) {
    var node = document.createElement("span");
    node.textContent = words;
    if (kind) { node.className = "mjx-" + kind; }
    return node;
  }
  function typeset() {
    Array.prototype.forEach.call(document.querySelectorAll(".filter_mathjaxloader_equation"), function (node) {
      var source = node.textContent.trim(), found = /^\\([([])([\s\S]*)\\[)\]]$/.exec(source);
      if (!found) { return; }
      var math = new Reader(found[2].trim()).list(null);
      math.className = "MathJax" + (found[1] === "[" ? " mjx-display" : "");
      math.setAttribute("role", "math");
      math.setAttribute("aria-label", found[2].trim());
      node.textContent = "";
      node.appendChild(math);
    });
  }
  window.MathJax = window.MathJax || {};
  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", typeset); } else { typeset(); }
})();
