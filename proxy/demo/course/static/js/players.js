// The multimedia filter's second half: video elements get a frame, links to video hosts become players by script.
define("media_videojs/loader", ["core/dom", "media_hls/player"], function (dom, hls) {
  "use strict";
  function youtubeId(url) {
    var found = /(?:youtu\.be\/|[?&]v=|\/embed\/)([\w-]{6,})/.exec(url || "");
    return found ? found[1] : null;
  }
  function frame(id, title) {
    var host = M.cfg.playersBase ? M.cfg.playersBase + "/www.youtube.com" : "https://www.youtube.com";
    return dom.make("iframe", {
      src: host + "/embed/" + id + "?enablejsapi=1&rel=0", title: title || "Видео", width: "640", height: "360",
      allow: "encrypted-media; picture-in-picture", allowfullscreen: "", "class": "vjs-tech", frameborder: "0"
    });
  }
  function setUp(element) {
    var data;
    try { data = JSON.parse(element.getAttribute("data-setup-lazy")); } catch (e) { return; }
    var source = (data.sources || [])[0] || {};
    if (source.type === "video/youtube") {
      var id = youtubeId(source.src);
      if (id) { element.parentNode.replaceChild(frame(id, element.title), element); }
      return;
    }
    element.classList.add("video-js-ready");
    if (source.type === "application/x-mpegURL") { hls.attach(element, source.src); return; }
    if (source.src && !element.querySelector("source")) { element.src = source.src; }
  }
  return {
    setUp: function () {
      dom.all("video[data-setup-lazy]").forEach(setUp);
      dom.all("[data-youtube-id]").forEach(function (box) {
        box.textContent = "";
        box.appendChild(frame(box.getAttribute("data-youtube-id"), box.getAttribute("data-title")));
      });
    }
  };
});
