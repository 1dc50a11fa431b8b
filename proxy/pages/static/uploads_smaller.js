// What she chose to send is offered smaller: both sizes, one tap for either, never unasked. A photograph is drawn anew
// at once, so where and when it was taken stays behind; films and sound take minutes, which are said before they begin.
const { photoSide, photoQuality, upBps, kind, size, span, time, fill, make, panel } = kit, offers = new Map();
const sum = (list) => list.reduce((total, file) => total + file.size, 0);
kit.allows = (accept, ...ways) => !accept || ["*/*", ...ways].some((way) => accept.toLowerCase().includes(way));
kit.close = (key) => {
  if (offers.has(key)) { offers.get(key).leave(); offers.delete(key); }
};
kit.named = (file, blob, ending) => {
  const known = new RegExp("\\." + ending.replace("jpg", "jpe?g") + "$", "i").test(file.name);
  return new File([blob], known ? file.name : file.name.replace(/\.[^.]*$/, "") + "." + ending, { type: blob.type, lastModified: file.lastModified });
};
async function drawn(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const text = file.type === "image/png", side = text ? Math.max(photoSide, 1280) : photoSide; // a screenshot stays legible
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", { alpha: false });
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const quality = (text ? Math.max(photoQuality, 80) : photoQuality) / 100;
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
  canvas.width = canvas.height = 0;
  return blob && blob.size <= file.size * 0.8 ? kit.named(file, blob, "jpg") : null;
}
function remembered(choice) {
  try {
    if (choice) { localStorage.setItem("tropa-photos", choice); }
    return localStorage.getItem("tropa-photos");
  } catch (e) { return null; }
}

class Offer {
  constructor(files, go) {
    Object.assign(this, { files, go, made: new Map(), plans: [] });
    const kinds = files.map(kind).filter(Boolean), one = kinds.length === 1 && kinds[0];
    this.box = panel(one ? says["title_" + one] : kinds.every((k) => k === "photo") ? says.titles_photo : says.titles);
  }
  leave() {
    this.gone = true;
    if (this.stop) { this.stop(); }
    this.plans.forEach((plan) => plan.end());
    this.box.end();
  }
  finish(files) { // the page hears of it
    offers.forEach((one, key) => { if (one === this) { offers.delete(key); } });
    this.leave();
    this.go(files);
  }
  async look(accept) { // what could be smaller; a picture or a film that this browser can't read goes as it is
    this.box.say(says.looking);
    for (const file of this.files) {
      try {
        if (kind(file) === "photo" && window.createImageBitmap) {
          const smaller = kit.allows(accept, "image/*", "jpg", "jpeg") && await drawn(file);
          if (smaller) { this.made.set(file, smaller); }
        } else if (kind(file)) {
          await kit.need("recordings");
          const plan = await kit.plan(file, accept);
          if (plan) { this.plans.push(plan); }
        }
      } catch (e) { /* as it is */ }
    }
    if (this.gone) { this.plans.forEach((plan) => plan.end()); } else if (this.made.size || this.plans.length) { this.choose(); } else { this.finish(); }
  }
  rows() { // returns how much all would weigh
    const after = new Map(this.plans.map((plan) => [plan.file, plan]));
    this.made.forEach((smaller, file) => after.set(file, smaller));
    const before = sum(this.files), total = sum(this.files.map((file) => after.get(file) || file)), about = this.plans.length > 0;
    const row = (text, values) => this.box.box.insertBefore(make("p", "soft", fill(text, values)), this.box.line);
    this.box.box.querySelectorAll(".tropa-soft").forEach((old) => old.remove());
    if (after.size < 4) { // of many the sum says enough
      after.forEach((smaller, file) => row(smaller.file ? says.about : says.photo, { name: file.name, before: size(file.size), after: size(smaller.size) }));
    }
    if (this.files.length > 1) { row(about ? says.together_about : says.together, { before: size(before), after: size(total) }); }
    if (upBps) { row(says.faster, { before: span(before * 8 / upBps), after: span(total * 8 / upBps) }); }
    return total;
  }
  original() { return [fill(says.original, { size: size(sum(this.files)) }), () => { remembered("original"); this.finish(); }]; }
  choose(quietly) {
    const total = this.rows(), takes = this.plans.reduce((s, plan) => s + plan.takes, 0);
    this.box.say(takes ? fill(says.takes, { time: span(takes) }) : this.made.size ? says.bare : says.cant);
    this.box.still();
    const smaller = takes ? [fill(says.make, { size: size(total) }), () => this.make(kit.air())] :
      [fill(says.smaller, { size: size(total) }), () => { remembered("smaller"); this.finish(this.files.map((file) => this.made.get(file) || file)); }];
    const choices = takes || this.made.size ? [smaller, this.original()] : [this.original()];
    this.box.offer(...(remembered() === "original" && !quietly ? choices.reverse() : choices));
    if (!quietly) { this.box.focus(); }
  }
  async make(air) { // one after the other; she may stop it, and the originals are one tap away all the time
    const all = this.plans.reduce((s, plan) => s + plan.takes, 0);
    let past = 0, stopped = false;
    this.stop = () => { stopped = true; this.plans[0].stop(); };
    this.box.offer([says.stop, this.stop, true], this.original());
    this.box.focus();
    const far = (part, waits) => this.box.say(waits ? says.waits : says.making + " " + time(all - past - part), (past + part) / all, !waits);
    while (this.plans.length && !stopped && !this.gone) {
      const plan = this.plans[0];
      far(0);
      const smaller = await plan.make(air, far).catch(() => null);
      if (stopped || this.gone) { break; }
      past += plan.takes;
      plan.end();
      this.plans.shift();
      if (smaller) { this.made.set(plan.file, smaller); }
    }
    this.stop = null;
    air.close();
    if (!this.gone) { this.choose(!stopped && document.hidden); }
  }
}
kit.offer = (key, accept, files, go) => {
  kit.close(key);
  const offer = new Offer(files, go);
  offers.set(key, offer);
  return offer.look(accept);
};
addEventListener("submit", (e) => [...offers.keys()].filter((input) => input.form === e.target).forEach(kit.close), true);
