// A loader of named modules: define() registers, require() runs. Nothing runs that no page asks for.
(function (root) {
  "use strict";
  var factories = Object.create(null), made = Object.create(null);
  function define(name, needs, factory) { factories[name] = { needs: needs, factory: factory }; }
  function get(name) {
    if (name in made) { return made[name]; }
    var entry = factories[name];
    if (!entry) { throw new Error("no module " + name); }
    var exports = made[name] = {};
    var args = entry.needs.map(function (need) { return need === "exports" ? exports : get(need); });
    var result = entry.factory.apply(null, args);
    if (result !== undefined) { made[name] = result; }
    return made[name];
  }
  function require(names, callback) {
    try {
      var found = names.map(get);
      if (callback) { callback.apply(null, found); }
    } catch (error) { if (root.console) { console.error(error); } }
  }
  root.define = define;
  root.require = require;
  define.amd = {};
  define("core/dom", ["exports"], function (exports) {
    exports.all = function (selector, within) {
      return Array.prototype.slice.call((within || document).querySelectorAll(selector));
    };
    exports.make = function (tag, attributes, text) {
      var node = document.createElement(tag);
      Object.keys(attributes || {}).forEach(function (key) { node.setAttribute(key, attributes[key]); });
      if (text !== undefined) { node.textContent = text; }
      return node;
    };
    exports.clock = function (seconds) {
      var s = Math.max(0, Math.ceil(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60);
      function two(n) { return (n < 10 ? "0" : "") + n; }
      return (h ? h + ":" : "") + two(m % 60) + ":" + two(s % 60);
    };
  });
  define("core/ajax", ["exports"], function (exports) {
    exports.call = function (method, args) {
      var url = M.cfg.root + "/lib/ajax/service.php?sesskey=" + encodeURIComponent(M.cfg.sesskey) + "&info=" + method;
      return fetch(url, {
        method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" },
        body: JSON.stringify([{ index: 0, methodname: method, args: args || {} }])
      }).then(function (r) { return r.json(); }).then(function (list) {
        if (list[0].error) { throw new Error(list[0].exception.message); }
        return list[0].data;
      });
    };
  });
})(window);
