// A small HLS player for fragmented MP4: picks a picture for the measured link, keeps half a minute ahead.
// Where the browser has no MediaSource it hands the playlist to the video element itself.
define("media_hls/player", ["exports"], function (exports) {
  "use strict";
  var AHEAD_S = 30;
  function text(url) {
    return fetch(url, { credentials: "same-origin" }).then(function (r) {
      if (!r.ok) { throw new Error("HTTP " + r.status + " " + url); }
      return r.text();
    });
  }
  function bytes(url) {
    var began = performance.now();
    return fetch(url, { credentials: "same-origin" }).then(function (r) {
      if (!r.ok) { throw new Error("HTTP " + r.status + " " + url); }
      return r.arrayBuffer();
    }).then(function (data) { return { data: data, seconds: (performance.now() - began) / 1000 }; });
  }
  function attributes(line) {
    var found, out = {}, pattern = /([A-Z-]+)=("([^"]*)"|[^,]*)/g;
    while ((found = pattern.exec(line))) { out[found[1]] = found[3] !== undefined ? found[3] : found[2]; }
    return out;
  }
  function master(body, base) {
    var lines = body.split(/\r?\n/), levels = [], audio = null;
    lines.forEach(function (line, i) {
      if (line.indexOf("#EXT-X-MEDIA:") === 0) {
        var media = attributes(line);
        if (media.TYPE === "AUDIO" && media.URI && (!audio || media.DEFAULT === "YES")) { audio = new URL(media.URI, base).href; }
      }
      if (line.indexOf("#EXT-X-STREAM-INF:") === 0) {
        var info = attributes(line);
        levels.push({ bps: +info.BANDWIDTH, codecs: info.CODECS || "", url: new URL(lines[i + 1], base).href });
      }
    });
    levels.sort(function (a, b) { return a.bps - b.bps; });
    return { levels: levels, audio: audio };
  }
  function playlist(body, base) {
    var out = { init: null, parts: [] }, start = 0, length = 0;
    body.split(/\r?\n/).forEach(function (line) {
      if (line.indexOf("#EXT-X-MAP:") === 0) { out.init = new URL(attributes(line).URI, base).href; }
      else if (line.indexOf("#EXTINF:") === 0) { length = parseFloat(line.slice(8)); }
      else if (line && line[0] !== "#") { out.parts.push({ url: new URL(line, base).href, start: start, length: length }); start += length; }
    });
    out.duration = start;
    return out;
  }
  function Track(video, buffer, list, onSpeed) {
    var next = 0, busy = false, ready = false, self = this;
    self.done = false;
    function append(data) {
      return new Promise(function (resolve, reject) {
        buffer.addEventListener("updateend", resolve, { once: true });
        buffer.addEventListener("error", reject, { once: true });
        buffer.appendBuffer(data);
      });
    }
    self.pump = function () {
      if (busy || self.done) { return Promise.resolve(); }
      if (next >= list.parts.length) { self.done = true; return Promise.resolve(); }
      if (list.parts[next].start > video.currentTime + AHEAD_S) { return Promise.resolve(); }
      busy = true;
      var first = ready ? Promise.resolve() : bytes(list.init).then(function (r) { ready = true; return append(r.data); });
      return first.then(function () { return bytes(list.parts[next].url); }).then(function (r) {
        if (onSpeed) { onSpeed(r.data.byteLength * 8 / Math.max(r.seconds, 0.001)); }
        next += 1;
        return append(r.data);
      }).then(function () { busy = false; }, function (error) { busy = false; self.done = true; throw error; });
    };
  }
  function level(levels) {
    var link = navigator.connection && navigator.connection.downlink ? navigator.connection.downlink * 1e6 : 5e5;
    var fit = levels.filter(function (l) { return l.bps < link * 0.7; });
    return fit.length ? fit[fit.length - 1] : levels[0];
  }
  function mime(kind, codecs) {
    var wanted = codecs.split(",").map(function (c) { return c.trim(); }).filter(function (c) {
      return (c.indexOf("mp4a") === 0 || c === "opus") === (kind === "audio");
    });
    return kind + '/mp4; codecs="' + wanted.join(",") + '"';
  }
  function play(video, url, note) {
    return text(url).then(function (body) {
      var list = master(body, new URL(url, location.href)), chosen = level(list.levels);
      var wanted = [{ kind: "video", url: chosen.url }];
      if (list.audio) { wanted.push({ kind: "audio", url: list.audio }); }
      if (!/avc1|hvc1|vp09|av01/.test(chosen.codecs)) { wanted = [{ kind: "audio", url: chosen.url }]; }
      var source = new MediaSource();
      video.src = URL.createObjectURL(source);
      return new Promise(function (resolve) { source.addEventListener("sourceopen", resolve, { once: true }); }).then(function () {
        return Promise.all(wanted.map(function (one) {
          return text(one.url).then(function (b) { return { kind: one.kind, list: playlist(b, one.url) }; });
        }));
      }).then(function (lists) {
        source.duration = lists[0].list.duration;
        var tracks = lists.map(function (one) {
          return new Track(video, source.addSourceBuffer(mime(one.kind, chosen.codecs)), one.list);
        });
        note(chosen.bps);
        function tick() {
          Promise.all(tracks.map(function (t) { return t.pump(); })).then(function () {
            if (tracks.every(function (t) { return t.done; })) { if (source.readyState === "open") { source.endOfStream(); } return; }
            setTimeout(tick, 400);
          }, function (error) { console.error(error); });
        }
        tick();
      });
    });
  }
  exports.attach = function (video, url) {
    var box = video.parentNode.querySelector("[data-region=hls-note]");
    function native() { video.src = url; }
    if (!window.MediaSource || !MediaSource.isTypeSupported('video/mp4; codecs="avc1.64000b"')) { native(); return; }
    play(video, url, function (bps) {
      if (box) { box.textContent = "Качество выбрано: " + Math.round(bps / 1000) + " кбит/с"; }
    }).catch(function (error) { console.error(error); native(); });
  };
});
