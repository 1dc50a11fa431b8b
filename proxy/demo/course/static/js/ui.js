// Drawers, menus, notifications: what theme_boost does on every page.
define("theme_boost/loader", ["core/dom", "core/ajax"], function (dom, ajax) {
  "use strict";
  function toggle(button) {
    var target = document.getElementById(button.getAttribute("data-toggle-id"));
    if (!target) { return; }
    var open = target.classList.toggle("show");
    button.setAttribute("aria-expanded", open ? "true" : "false");
  }
  function bind() {
    document.documentElement.classList.add("jsenabled");
    dom.all("[data-toggle-id]").forEach(function (button) {
      button.addEventListener("click", function (event) { event.preventDefault(); toggle(button); });
    });
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape") { dom.all(".drawer.show,.dropdown-menu.show").forEach(function (d) { d.classList.remove("show"); }); }
    });
  }
  function unread() {
    ajax.call("core_message_get_unread_conversations_count", { useridto: M.cfg.userId }).then(function (count) {
      dom.all("[data-region=count-container]").forEach(function (badge) {
        badge.textContent = count ? String(count) : "";
        badge.hidden = !count;
      });
    }).catch(function () { /* a badge is not worth a message */ });
  }
  function iconMap() {
    fetch(M.cfg.root + "/lib/ajax/service-nologin.php?info=core_output_load_fontawesome_icon_system_map&cachekey=" + M.cfg.jsrev,
      { credentials: "same-origin" }).then(function (r) { return r.json(); }).then(function (map) { M.icons = map[0].data; })
      .catch(function () { M.icons = []; });
  }
  return { init: function () { bind(); iconMap(); if (M.cfg.userId) { unread(); } } };
});
