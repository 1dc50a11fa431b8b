// The file manager: a chosen file goes to the draft area at once, with its progress; the form then sends its number.
define("core_form/filemanager", ["core/dom"], function (dom) {
  "use strict";
  return {
    init: function () {
      dom.all("[data-filemanager]").forEach(function (box) {
        var input = box.querySelector("input[type=file]"), item = box.querySelector("input[name=itemid]");
        var list = box.querySelector("[data-region=files]");
        input.addEventListener("change", function () {
          Array.prototype.forEach.call(input.files, function (file) {
            var row = dom.make("li", {}, file.name + ": 0 %"), data = new FormData(), request = new XMLHttpRequest();
            list.appendChild(row);
            data.append("repo_upload_file", file, file.name);
            data.append("itemid", item.value);
            data.append("sesskey", M.cfg.sesskey);
            data.append("title", file.name);
            request.open("POST", M.cfg.root + "/repository/repository_ajax.php?action=upload");
            request.upload.onprogress = function (e) {
              if (e.lengthComputable) { row.textContent = file.name + ": " + Math.round(100 * e.loaded / e.total) + " %"; }
            };
            request.onload = function () {
              var reply = {};
              try { reply = JSON.parse(request.responseText); } catch (e) { reply = { error: "Файл не принят" }; }
              row.textContent = file.name + (reply.error ? ": " + reply.error : ": загружен");
              if (!reply.error) { row.className = "text-success"; }
            };
            request.onerror = function () { row.textContent = file.name + ": связь прервалась, выберите файл ещё раз"; };
            request.send(data);
          });
          input.value = "";
        });
      });
    }
  };
});
