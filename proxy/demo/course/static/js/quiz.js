// The quiz page: a countdown by the server's clock and an autosave every ten seconds.
define("mod_quiz/attempt", ["core/dom"], function (dom) {
  "use strict";
  return {
    init: function (secondsLeft, everySeconds) {
      var form = document.getElementById("responseform"), box = document.getElementById("quiz-time-left");
      var note = document.getElementById("quiz-autosave-note"), deadline = Date.now() + secondsLeft * 1000, saved = "";
      if (!form) { return; }
      function answers() { return new URLSearchParams(new FormData(form)).toString(); }
      function save() {
        var now = answers();
        if (now === saved) { return; }
        fetch(M.cfg.root + "/mod/quiz/autosave.ajax.php", {
          method: "POST", credentials: "same-origin", body: now,
          headers: { "Content-Type": "application/x-www-form-urlencoded" }
        }).then(function (r) {
          if (!r.ok) { throw new Error(String(r.status)); }
          return r.json();
        }).then(function (reply) {
          saved = now;
          if (typeof reply.timeleft === "number") { deadline = Date.now() + reply.timeleft * 1000; }
          note.textContent = "Ответы сохранены в " + new Date().toLocaleTimeString("ru-RU");
          note.classList.remove("text-danger");
        }).catch(function () {
          note.textContent = "Нет связи: ответы пока не сохранены. Не закрывайте страницу.";
          note.classList.add("text-danger");
        });
      }
      function tick() {
        var left = (deadline - Date.now()) / 1000;
        box.textContent = dom.clock(left);
        if (left <= 0) {
          clearInterval(timer);
          form.querySelector("[name=timeup]").value = "1";
          form.submit();
        }
      }
      saved = answers();
      var timer = setInterval(tick, 500);
      setInterval(save, everySeconds * 1000);
      tick();
    }
  };
});
