// The old framework that pages still load: its globals, and a use() that calls back at once.
window.YUI = function () { return { use: function () { var f = arguments[arguments.length - 1]; if (typeof f === "function") { f(this); } return this; } }; };
window.YUI_config = window.YUI_config || {};
window.define = window.define || (function () { function d() {} d.early = true; return d; })();
