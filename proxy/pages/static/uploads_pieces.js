// Forms whose files go in pieces that survive a cut (tus 1.0.0), and to the origin as one ordinary POST.
const { told, raw, upBps, isFile, size, time, fill, panel } = kit, TUS = { "Tus-Resumable": "1.0.0" };

// -- the wire ---------------------------------------------------------------------------------------------------
function ask(method, url, heads, body, onprogress, job) {
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest();
    let quiet;
    const alive = () => { clearTimeout(quiet); quiet = setTimeout(() => raw.abort.call(x), 90000); };
    raw.open.call(x, method, url);
    Object.keys(heads).forEach((name) => raw.head.call(x, name, heads[name]));
    x.upload.onprogress = (e) => { alive(); if (onprogress) { onprogress(e.loaded); } };
    x.onloadend = () => { clearTimeout(quiet); if (job) { job.x = null; } if (x.status) { done(x); } else { fail(new Error("link")); } };
    if (job) { job.x = x; }
    alive();
    raw.send.call(x, body);
  });
}
const table = Array.from({ length: 256 }, (_, n) => { for (let k = 8; k--;) { n = n & 1 ? 0xEDB88320 ^ (n >>> 1) : n >>> 1; } return n; });
function crc(bytes) {
  let c = -1;
  for (let i = 0; i < bytes.length; i++) { c = table[(c ^ bytes[i]) & 255] ^ (c >>> 8); }
  c = ~c;
  return btoa(String.fromCharCode(c >>> 24, c >>> 16 & 255, c >>> 8 & 255, c & 255));
}
const read = async (blob, from, end) => new Uint8Array(await new Response(blob.slice(from, end)).arrayBuffer());
const b64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
function waited(ms, job) {
  return new Promise((done) => {
    job.wake = done;
    setTimeout(done, ms);
    addEventListener("online", done, { once: true });
  });
}

// -- a form's files ---------------------------------------------------------------------------------------------
function marked(data) { // the same form with marks for its files, and the files in their order
  const form = new FormData(), files = [];
  let at = 0;
  for (const [name, value] of data.entries()) {
    if (!isFile(value)) { form.append(name, value); continue; }
    form.append(name, new File(["tropa-piece:" + at + "-" + (at += value.size)], value.name, { type: value.type }));
    files.push(value);
  }
  return [form, files];
}
async function fingerprint(files) {
  const parts = [];
  for (const f of files) {
    parts.push(f.name, f.size, f.type, crc(await read(f, 0, 65536)), crc(await read(f, Math.max(0, f.size - 65536), f.size)));
  }
  return parts.join("/");
}

class Gone extends Error {}
class Plain extends Error {} // the browser may send it its own way
class Stopped extends Error {}

class Job {
  constructor({ data, url, by, heads, seen }) { // as `take` in uploads.js says
    [this.form, this.files] = marked(data);
    this.blob = new Blob(this.files);
    Object.assign(this, { url, by, heads, seen, offset: 0, bps: upBps / 8 });
    this.names = this.files.map((f) => f.name).join(", ");
    this.panel = panel(fill(says.title, { names: this.names }));
  }
  note(on) { // a page that is loaded again says that the file is to be chosen again
    try {
      if (on) { sessionStorage.setItem("tropa-upload", JSON.stringify([location.pathname, this.names, this.at])); }
      else { sessionStorage.removeItem("tropa-upload"); }
    } catch (e) { /* storage is off */ }
  }
  over() { this.note(false); this.panel.end(); }
  check() { if (this.stopped) { throw new Stopped(); } }
  stop() {
    this.stopped = true;
    if (this.x) { raw.abort.call(this.x); }
    if (this.wake) { this.wake(); }
    if (this.go) { this.go(); }
    if (this.at) { ask("DELETE", this.at, TUS).catch(() => 0); }
    this.over();
  }
  buttons() {
    this.panel.offer([this.go ? says.go : says.pause, () => this.toggle()], [says.cancel, () => this.stop()]);
  }
  toggle() {
    if (this.go) { this.go(); this.going = this.go = null; }
    else { this.going = new Promise((done) => { this.go = done; }); if (this.x) { raw.abort.call(this.x); } this.panel.say(says.paused); }
    this.buttons();
    this.panel.focus();
  }
  show(bytes) {
    const left = this.blob.size - bytes, all = size(this.blob.size);
    const says_ = fill(says.progress, { sent: size(bytes), all });
    this.panel.say(this.bps ? says_ + " " + time(left / this.bps) : says_, bytes / this.blob.size, true);
    if (this.seen) { this.seen(bytes, this.blob.size); }
  }
  async held(act) { // until it is answered, over however many cuts
    for (let wait = 1000; ; wait = Math.min(wait * 2, 30000)) {
      this.check();
      await this.going;
      this.check();
      try { return await act(); } catch (error) {
        this.check();
        if (error.message !== "link") { throw error; }
        if (this.going) { wait = 500; continue; }
        this.panel.say(says.lost);
        await waited(wait, this);
      }
    }
  }
  async begin() {
    const told_ = "target " + b64(this.url.pathname + this.url.search) + ",fingerprint " + b64(await fingerprint(this.files));
    const x = await this.held(() => ask("POST", "/.tropa/uploads", Object.assign({
      "Upload-Length": String(this.blob.size), "Upload-Metadata": told_, "Tropa-Token": told.dataset.uploadToken }, TUS)));
    if (x.status !== 201) { throw new Plain(); }
    this.at = x.getResponseHeader("Location");
    this.note(true);
    this.heard(x);
  }
  heard(x) {
    this.offset = Number(x.getResponseHeader("Upload-Offset"));
    const [state, attempts] = (x.getResponseHeader("Tropa-Upload") || "").split(" ");
    Object.assign(this, { state, attempts: Number(attempts) });
  }
  async pieces() {
    let step = 131072, fresh = true;
    while (this.offset < this.blob.size) {
      const from = this.offset, end = Math.min(from + step, this.blob.size), bytes = await read(this.blob, from, end);
      this.show(from);
      await this.held(async () => {
        if (!fresh) { // after a cut: how much is there?
          const x = await ask("HEAD", this.at, TUS);
          if (x.status === 404) { throw new Gone(); }
          fresh = true;
          this.heard(x);
          if (this.offset !== from) { return; }
        }
        fresh = false;
        const began = Date.now(), x = await ask("PATCH", this.at, Object.assign({ "Content-Type": "application/offset+octet-stream",
          "Upload-Offset": String(from), "Upload-Checksum": "crc32 " + crc(bytes) }, TUS), bytes, (n) => this.show(from + n), this);
        if (x.status === 404) { throw new Gone(); }
        if ([403, 413, 503, 507].includes(x.status)) { throw new Plain(); } // policy or the disk says no
        if (x.status !== 204) { throw new Error("link"); }
        fresh = true;
        this.heard(x);
        const now = bytes.length * 1000 / Math.max(1, Date.now() - began);
        this.bps = this.bps ? (this.bps * 2 + now) / 3 : now;
        step = Math.max(32768, Math.min(1048576, Math.round(this.bps * 6))); // what a cut costs: six seconds
      });
    }
    this.show(this.blob.size);
  }
  token() { return this.at.slice(this.at.lastIndexOf("/") + 1); }
  async send() { // one attempt, asked for as often as the link breaks
    const attempt = this.attempts + 1;
    this.panel.offer();
    let x = await this.held(() => ask("POST", this.url.href, Object.assign({}, this.heads, {
      "Tropa-Upload": "send " + this.token() + " " + attempt + " " + this.by }), this.form));
    if (![200, 202, 409].includes(x.status)) { throw new Plain(); }
    for (let now = JSON.parse(x.responseText); ; now = JSON.parse(x.responseText)) {
      if (now.state !== "sending") { this.attempts = now.attempts; return now; }
      this.panel.say(fill(says.handing, { sent: size(now.sent), all: size(this.blob.size) }), now.sent / this.blob.size, true);
      x = await this.held(() => ask("GET", this.at, { Prefer: "wait=20" }));
      if (x.status !== 200) { throw new Gone(); }
    }
  }
  question(text, ...choices) {
    return new Promise((done) => {
      this.panel.say(text);
      this.panel.still(); // a full bar would look like success
      this.panel.offer(...choices.map(([label, value]) => [label, () => done(value)]));
      this.panel.focus();
    });
  }
  async again(text) { // nothing is sent twice by itself
    const choice = await this.question(text, [says.look, "look"], [says.again, "again"], [says.cancel, "no"]);
    if (choice === "look") { open(location.href); return this.again(text); }
    if (choice === "no") { this.stop(); throw new Stopped(); }
  }
  async run() { // until the origin has answered
    this.buttons();
    for (;;) {
      try {
        await this.begin();
        if (this.state === "accepted") { // sent before this page was loaded, and its answer never reached a page
          await this.again(says.already);
          await this.held(() => ask("DELETE", this.at, TUS));
          continue;
        }
        if (this.state === "in-doubt") { await this.again(says.doubt); }
        await this.pieces();
        for (;;) {
          const now = await this.send();
          if (now.answer) { return; }
          if (now.state === "accepted") { await this.question(says.taken, [says.look, 0]); this.over(); location.reload(); throw new Stopped(); }
          await this.again(now.state === "in-doubt" ? says.doubt : now.state === "ready" ? says.unreached : says.refused);
        }
      } catch (error) {
        if (!(error instanceof Gone)) { throw error; }
      }
    }
  }
}
// After the page was loaded again: browsers forget files, so the same one is to be chosen once more.
function left(names, at) {
  return ask("HEAD", at, TUS).then((x) => {
    if (x.status !== 200) { sessionStorage.removeItem("tropa-upload"); return; }
    const box = panel(fill(says.title, { names }));
    box.say(says.choose_again, Number(x.getResponseHeader("Upload-Offset")) / Number(x.getResponseHeader("Upload-Length")));
    box.offer([says.well, () => box.end()]);
    addEventListener("change", () => box.end(), { once: true });
  });
}
Object.assign(kit, { Job, left });
