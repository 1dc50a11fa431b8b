// Films and sound made smaller by the browser itself. A film plays once, unheard, and is recorded as it plays: that takes
// as long as it is, works in every browser that plays it, and leaves its place and device behind. Sound is encoded faster
// than it plays where the browser can. What comes out counts only if it was played to its end, is as long as what went in
// and shows enough of its pictures; else the file goes as it is.
const { filmSide, filmBps, soundBps, allows, named } = kit, SPEECH_BPS = 32000, FPS = 15, LEAST_FPS = 2, HERTZ = 24000;
const FILMS = [["video/mp4;codecs=avc1.42E01E,mp4a.40.2", "mp4"], ["video/webm;codecs=vp8,opus", "webm"]];
const SOUNDS = [["audio/mp4;codecs=mp4a.40.2", "m4a"], ["audio/ogg;codecs=opus", "ogg"], ["audio/webm;codecs=opus", "webm"]];
const MOST_AT_ONCE_S = 1200; // decoded sound lies in memory: 20 minutes take up to 230 MB

function within(ms, act) { // a promise that is given up after a while
  return new Promise((done, fail) => { setTimeout(() => fail(new Error("late")), ms); act(done, fail); });
}
async function opened(blob, film) { // an element that knows how long it is
  const node = document.createElement(film ? "video" : "audio");
  node.playsInline = true;
  await within(20000, (done, fail) => { node.onloadedmetadata = done; node.onerror = fail; node.src = URL.createObjectURL(blob); });
  if (node.duration === Infinity) { // recordings of browsers don't say it: the end is looked for
    await within(20000, (done) => { node.ondurationchange = () => { if (node.duration < 1e8) { done(); } }; node.currentTime = 1e9; });
    await within(20000, (done) => { node.onseeked = () => { if (node.currentTime < 1) { done(); } }; node.currentTime = 0; });
  }
  return node;
}
function shut(node) {
  URL.revokeObjectURL(node.src);
  node.removeAttribute("src");
  node.load();
}
async function lasts(blob, film) {
  const node = await opened(blob, film), seconds = node.duration;
  shut(node);
  return seconds;
}

// -- recorded as it plays ---------------------------------------------------------------------------------------
function picture(node) { // smaller, as often a second as it is worth
  const scale = Math.min(1, filmSide / Math.max(node.videoWidth, node.videoHeight)), canvas = document.createElement("canvas");
  canvas.width = Math.round(node.videoWidth * scale / 2) * 2;
  canvas.height = Math.round(node.videoHeight * scale / 2) * 2;
  const pen = canvas.getContext("2d", { alpha: false });
  const view = { stream: canvas.captureStream(FPS), drawn: 0, draw() { pen.drawImage(node, 0, 0, canvas.width, canvas.height); view.drawn++; } };
  return view;
}
async function recorded(plan, air, far) {
  const { node, film } = plan, out = air.createMediaStreamDestination(), view = film && picture(node), bits = [];
  air.createMediaElementSource(node).connect(out); // to the recorder alone: nobody hears it
  const recorder = new MediaRecorder(new MediaStream([...(view ? view.stream.getVideoTracks() : []), ...out.stream.getAudioTracks()]),
    { mimeType: plan.mime, audioBitsPerSecond: film ? SPEECH_BPS : soundBps, videoBitsPerSecond: Math.max(filmBps - SPEECH_BPS, 30000) });
  recorder.ondataavailable = (e) => bits.push(e.data);
  let timer, seen, awake, begun = false, sounded = false, mute = 0;
  try {
    await new Promise((done, fail) => {
      const halt = () => { node.pause(); if (recorder.state === "recording") { recorder.pause(); } };
      const wait = () => { halt(); far(node.currentTime, true); };
      const go = () => {
        if (document.hidden || node.ended) { return; }
        if (navigator.wakeLock) { awake = navigator.wakeLock.request("screen").catch(() => 0); } // browsers take it back with the page
        air.resume().catch(() => 0); // not waited for: without a loudspeaker some never say that they run
        if (!begun) { recorder.start(5000); } else if (recorder.state === "paused") { recorder.resume(); }
        begun = true;
        node.play().catch((e) => { if (!document.hidden) { fail(e); } });
      };
      plan.stop = () => { halt(); fail(new Error("stopped")); };
      seen = () => { // a page in the background draws nothing: it waits until she is back
        if (node.ended) { return; }
        if (document.hidden) { wait(); } else { go(); }
      };
      node.onerror = recorder.onerror = fail;
      node.onended = () => recorder.stop();
      recorder.onstop = () => (node.ended ? done() : fail(new Error("cut short")));
      document.addEventListener("visibilitychange", seen);
      timer = setInterval(() => {
        if (node.paused) { return; }
        sounded = sounded || air.state === "running";
        mute = sounded && air.state !== "running" ? mute + 1 : 0;
        if (mute > 2 * FPS) { fail(new Error("no sound")); return; } // a call has taken it away
        if (view) { view.draw(); }
        far(node.currentTime);
      }, 1000 / FPS);
      if (view) { view.draw(); }
      seen();
    });
  } finally {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seen);
    recorder.onstop = null;
    if (recorder.state !== "inactive") { recorder.stop(); }
    Promise.resolve(awake).then((lock) => lock && lock.release());
  }
  if (view && view.drawn < node.duration * LEAST_FPS) { throw new Error("too few pictures"); }
  return new Blob(bits, { type: plan.mime.split(";")[0] });
}
async function timed(blob, seconds) { // browsers leave the length out of WebM: written into Info (0x1549A966), where it belongs
  const head = new Uint8Array(await new Response(blob.slice(0, 4096)).arrayBuffer());
  const at = head.findIndex((_, i) => head[i] === 0x15 && head[i + 1] === 0x49 && head[i + 2] === 0xA9 && head[i + 3] === 0x66);
  if (!/webm/.test(blob.type) || at < 0) { return blob; }
  const width = Math.clz32(head[at + 4]) - 23, from = at + 4 + width;
  let length = head[at + 4] & (0xFF >> width);
  for (let i = 1; i < width; i++) { length = length * 256 + head[at + 4 + i]; }
  if (from + length > head.length) { return blob; }
  const info = head.subarray(from, from + length), known = info.findIndex((_, i) => info[i] === 0x44 && info[i + 1] === 0x89);
  const wide = known < 0 ? 8 : info[known + 2] & 15, value = new DataView(new ArrayBuffer(wide));
  if (wide === 4) { value.setFloat32(0, seconds * 1000); } else { value.setFloat64(0, seconds * 1000); }
  if (known >= 0) { return new Blob([blob.slice(0, from + known + 3), value, blob.slice(from + known + 3 + wide)], { type: blob.type }); }
  const add = new DataView(new ArrayBuffer(11)); // Info's new size, in eight bytes, and the head of a Duration
  add.setUint8(0, 1);
  add.setUint32(4, length + 11);
  add.setUint16(8, 0x4489);
  add.setUint8(10, 0x88);
  return new Blob([blob.slice(0, at + 4), add, value, blob.slice(from)], { type: blob.type });
}

// -- sound, encoded at once: Opus (RFC 7845) in Ogg (RFC 3533) -------------------------------------------------------
const sums = Uint32Array.from({ length: 256 }, (_, n) => { let r = n << 24; for (let k = 8; k--;) { r = r & 0x80000000 ? (r << 1) ^ 0x04C11DB7 : r << 1; } return r; });
function page(packets, number, at, flags) {
  const lacing = packets.reduce((all, one) => all.concat(Array(Math.floor(one.length / 255)).fill(255), one.length % 255), []);
  const size = 27 + lacing.length + packets.reduce((total, one) => total + one.length, 0), bytes = new Uint8Array(size), view = new DataView(bytes.buffer);
  bytes.set([79, 103, 103, 83, 0, flags]);
  view.setUint32(6, at >>> 0, true);
  view.setUint32(10, Math.floor(at / 2 ** 32), true);
  view.setUint32(14, 1, true);
  view.setUint32(18, number, true);
  bytes[26] = lacing.length;
  bytes.set(lacing, 27);
  let to = 27 + lacing.length, sum = 0;
  packets.forEach((one) => { bytes.set(one, to); to += one.length; });
  for (let i = 0; i < size; i++) { sum = (sum << 8) ^ sums[(sum >>> 24) ^ bytes[i]]; }
  view.setUint32(22, sum >>> 0, true);
  return bytes;
}
function ogg(head, packets, skip, samples) { // packets of 20 ms: 960 samples of 48 kHz
  const tags = new TextEncoder().encode("OpusTags\x05\0\0\0Tropa\0\0\0\0"), pages = [page([head], 0, 0, 2), page([tags], 1, 0, 0)];
  for (let i = 0; i < packets.length; i += 40) {
    const end = Math.min(i + 40, packets.length), last = end === packets.length;
    pages.push(page(packets.slice(i, end), pages.length, last ? Math.min(end * 960, skip + samples) : end * 960, last ? 4 : 0));
  }
  return new Blob(pages, { type: "audio/ogg" });
}
async function encoded(plan, air, far) {
  let stopped = false, wrong = null, head = null;
  plan.stop = () => { stopped = true; };
  const bytes = await new Response(plan.file).arrayBuffer();
  const whole = await new OfflineAudioContext(1, 1, HERTZ).decodeAudioData(bytes), packets = [];
  const channels = Array.from({ length: whole.numberOfChannels }, (_, n) => whole.getChannelData(n));
  const encoder = new AudioEncoder({
    output(chunk, told) {
      if (told && told.decoderConfig && told.decoderConfig.description) { head = bare(told.decoderConfig.description); }
      const packet = new Uint8Array(chunk.byteLength);
      chunk.copyTo(packet);
      packets.push(packet);
    },
    error(e) { wrong = e; },
  });
  encoder.configure({ codec: "opus", sampleRate: HERTZ, numberOfChannels: 1, bitrate: soundBps });
  for (let from = 0; from < whole.length; from += HERTZ) { // a second at a time
    const count = Math.min(HERTZ, whole.length - from), data = new Float32Array(count);
    channels.forEach((one) => { for (let i = 0; i < count; i++) { data[i] += one[from + i] / channels.length; } });
    const piece = new AudioData({ format: "f32-planar", sampleRate: HERTZ, numberOfFrames: count, numberOfChannels: 1, timestamp: from / HERTZ * 1e6, data });
    encoder.encode(piece);
    piece.close();
    do { await new Promise((done) => setTimeout(done)); } while (encoder.encodeQueueSize > 8);
    if (stopped || wrong) { encoder.close(); throw wrong || new Error("stopped"); }
    far(plan.takes * from / whole.length);
  }
  await encoder.flush();
  encoder.close();
  if (!head) { head = new Uint8Array([...new TextEncoder().encode("OpusHead"), 1, 1, 0x38, 1, 0xC0, 0x5D, 0, 0, 0, 0, 0]); }
  return ogg(head, packets, head[10] + head[11] * 256, Math.round(whole.duration * 48000));
}
function bare(description) {
  return new Uint8Array(ArrayBuffer.isView(description) ? description.buffer.slice(description.byteOffset, description.byteOffset + description.byteLength) : description);
}
async function encodes() {
  try { return (await AudioEncoder.isConfigSupported({ codec: "opus", sampleRate: HERTZ, numberOfChannels: 1, bitrate: soundBps })).supported; } catch (e) { return false; }
}

// -- what it would be ---------------------------------------------------------------------------------------------
kit.air = () => new AudioContext({ sampleRate: 48000 }); // made while her tap still counts
kit.plan = async (file, accept) => { // null: nothing to be gained here
  const node = await opened(file, /^video/.test(file.type)), film = node.videoWidth > 0, seconds = node.duration;
  const [way, bps] = film ? ["video", filmBps] : ["audio", soundBps], quick = !film && seconds <= MOST_AT_ONCE_S && await encodes();
  const kinds = quick ? [["audio/ogg", "ogg"]] : (film ? FILMS : SOUNDS).filter(([mime]) => window.MediaRecorder && MediaRecorder.isTypeSupported(mime));
  const found = kinds.find(([, ending]) => allows(accept, way + "/*", ending)), size = Math.round(seconds * bps / 8 * 1.05 + 5000);
  if (!found || !bps || !window.AudioContext || !(seconds < 1e6) || size > file.size * 0.8) { shut(node); return null; }
  return {
    file, node, film, size, mime: found[0], takes: quick ? Math.max(1, seconds / 10) : seconds, stop() { /* not begun */ }, end() { shut(this.node); },
    async make(air, far) {
      if (this.used) { shut(this.node); this.node = await opened(file, film); } // an element is recorded once
      this.used = true;
      const blob = await (quick ? encoded : recorded)(this, air, far), after = await lasts(blob, film);
      const right = Math.abs(after - seconds) <= Math.max(1, seconds / 50) && blob.size <= file.size * 0.8;
      return right ? named(file, await timed(blob, after), found[1]) : null;
    },
  };
};
