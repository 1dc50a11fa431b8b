// Photographs are offered smaller when they are chosen: both sizes, one tap for either, never unasked. What leaves the
// browser smaller is drawn anew, so where and when it was taken stays behind. Documents, films and sound go as they are.
const LEAST_BYTES = 150000, settled = new WeakSet(), offers = new Map();
function isPhoto(file, accept) {
  const known = /^image\/(jpeg|png|webp|heic|heif)$/.test(file.type) || /\.hei[cf]$/i.test(file.name);
  return known && file.size > LEAST_BYTES && (!accept || /image\/\*|jpe?g/i.test(accept));
}
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
  if (!blob || blob.size > file.size * 0.8) { return null; }
  const name = /\.jpe?g$/i.test(file.name) ? file.name : file.name.replace(/\.[^.]*$/, "") + ".jpg";
  return new File([blob], name, { type: "image/jpeg", lastModified: file.lastModified });
}
function close(input) {
  if (offers.has(input)) { offers.get(input).end(); offers.delete(input); }
}
function go(input, files) {
  close(input);
  if (files) {
    const box = new DataTransfer();
    files.forEach((file) => box.items.add(file));
    input.files = box.files;
  }
  settled.add(input);
  ["input", "change"].forEach((type) => input.dispatchEvent(new Event(type, { bubbles: true })));
  settled.delete(input);
}
function remembered(choice) {
  try {
    if (choice) { localStorage.setItem("tropa-photos", choice); }
    return localStorage.getItem("tropa-photos");
  } catch (e) { return null; }
}
async function offer(input, files, photos) {
  close(input);
  const box = panel(photos.length > 1 ? says.photos_title : says.photo_title), made = new Map();
  offers.set(input, box);
  box.say(says.looking);
  for (const photo of photos) {
    try {
      const smaller = await drawn(photo);
      if (smaller) { made.set(photo, smaller); }
    } catch (e) { /* a picture that this browser can't draw goes as it is */ }
  }
  if (offers.get(input) !== box) { return; }
  if (!made.size) { go(input); return; }
  const sum = (list) => list.reduce((total, file) => total + file.size, 0);
  const before = sum(files), after = sum(files.map((file) => made.get(file) || file));
  const row = (text, values) => box.box.insertBefore(make("p", "soft", fill(text, values)), box.line);
  const few = made.size < 4 ? made : []; // of many the sum says enough
  for (const [photo, smaller] of few) { row(says.photo, { name: photo.name, before: size(photo.size), after: size(smaller.size) }); }
  if (files.length > 1) { row(says.together, { before: size(before), after: size(after) }); }
  if (upBps) { row(says.faster, { before: span(before * 8 / upBps), after: span(after * 8 / upBps) }); }
  box.say(says.bare);
  const choices = [
    [fill(says.smaller, { size: size(after) }), () => { remembered("smaller"); go(input, files.map((file) => made.get(file) || file)); }],
    [fill(says.original, { size: size(before) }), () => { remembered("original"); go(input); }],
  ];
  box.offer(...(remembered() === "original" ? choices.reverse() : choices));
  box.focus();
}
function chosen(e) {
  const input = e.target;
  if (!(input instanceof HTMLInputElement) || input.type !== "file" || settled.has(input)) { return; }
  const files = [...input.files], photos = files.filter((file) => isPhoto(file, input.accept));
  if (!photos.length) { close(input); return; }
  e.stopImmediatePropagation(); // the course's own scripts hear of it when she has chosen
  if (e.type === "change") { offer(input, files, photos); }
}
if (photoSide && window.createImageBitmap && window.DataTransfer) {
  addEventListener("input", chosen, true);
  addEventListener("change", chosen, true);
  addEventListener("submit", (e) => [...offers.keys()].filter((input) => input.form === e.target).forEach(close), true);
}
