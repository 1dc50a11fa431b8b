// A chat over WebSocket; where it can't connect it asks the server every few seconds instead.
define("mod_chat/chat", ["core/dom"], function (dom) {
  "use strict";
  var POLL_MS = 4000, RETRY_MS = 3000;
  return {
    init: function (options) {
      var log = document.getElementById("chat-messages"), people = document.getElementById("chat-users");
      var form = document.getElementById("chat-form"), input = document.getElementById("chat-input");
      var status = document.getElementById("chat-status");
      var socket = null, last = 0, polling = null, fails = 0;
      if (!form) { return; }
      function say(text) { status.textContent = text; }
      function show(message) {
        if (message.id && message.id <= last) { return; }
        last = message.id || last;
        var item = dom.make("li", { "class": "chat-event" + (message.system ? " chat-system" : "") });
        item.appendChild(dom.make("strong", {}, message.name));
        item.appendChild(dom.make("span", { "class": "chat-text" }, message.text));
        log.appendChild(item);
        log.scrollTop = log.scrollHeight;
      }
      function list(users) {
        people.textContent = "";
        users.forEach(function (name) { people.appendChild(dom.make("li", {}, name)); });
      }
      function body(fields) {
        fields.chat_sid = options.sid;
        fields.sesskey = M.cfg.sesskey;
        return new URLSearchParams(fields);
      }
      function poll() {
        fetch(M.cfg.root + options.ajax + "?action=update", { method: "POST", credentials: "same-origin", body: body({ chat_lastid: last }) })
          .then(function (r) { if (!r.ok) { throw new Error(String(r.status)); } return r.json(); })
          .then(function (reply) { reply.msgs.forEach(show); list(reply.users); say("На связи (обновление раз в несколько секунд)"); })
          .catch(function () { say("Связь прервалась, пробуем ещё раз"); });
      }
      function fallBack() { if (!polling) { poll(); polling = setInterval(poll, POLL_MS); } }
      function connect() {
        var url = (location.protocol === "https:" ? "wss://" : "ws://") + location.host + M.cfg.root + options.ws + "?chat_sid=" + options.sid;
        try { socket = new WebSocket(url); } catch (e) { fallBack(); return; }
        socket.onopen = function () { fails = 0; say("На связи"); };
        socket.onmessage = function (event) {
          var data = JSON.parse(event.data);
          if (data.type === "message") { show(data); } else if (data.type === "users") { list(data.users); }
        };
        socket.onclose = function (event) {
          socket = null;
          fails += 1;
          if (event.code === 4503) { say("Консультация закрыта" + (event.reason ? ": " + event.reason : "")); return; }
          say("Связь прервалась, пробуем ещё раз");
          if (fails > 2) { fallBack(); } else { setTimeout(connect, RETRY_MS); }
        };
      }
      form.addEventListener("submit", function (event) {
        event.preventDefault();
        var words = input.value.trim();
        if (!words) { return; }
        if (socket && socket.readyState === 1) { socket.send(JSON.stringify({ type: "message", text: words })); }
        else {
          fetch(M.cfg.root + options.ajax + "?action=chat", { method: "POST", credentials: "same-origin", body: body({ chat_message: words }) })
            .then(poll, function () { say("Сообщение не отправлено: нет связи"); });
        }
        input.value = "";
      });
      if (window.WebSocket) { connect(); } else { fallBack(); }
    }
  };
});
