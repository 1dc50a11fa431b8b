// The panel at the foot of the window, and how it speaks of sizes and times.
function size(n) {
  const mb = n >= 999500, v = Math.max(n, 1000) / (mb ? 1e6 : 1e3);
  return (mb ? says.mb : says.kb).replace("{n}", v.toLocaleString(says.lang, { maximumFractionDigits: v < 9.95 ? 1 : 0 })).replace(" ", "\u00a0");
}
function span(s) { return s < 90 ? says.about_minute : says.about_minutes.replace("{n}", Math.ceil(s / 60).toLocaleString(says.lang)); }
function time(s) { return s < 90 ? says.minute : says.minutes.replace("{n}", Math.ceil(s / 60).toLocaleString(says.lang)); }
function fill(text, names) { return text.replace(/\{(\w+)\}/g, (all, name) => names[name]); }
function make(tag, name, text) {
  const node = document.createElement(tag);
  node.className = "tropa-" + name;
  if (text) { node.textContent = text; }
  return node;
}
let place;
function panel(title) {
  if (!place) {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet"; sheet.href = says.css;
    document.head.append(sheet);
    place = make("div", "sends");
    document.body.append(place);
  }
  const box = make("section", "send"), bar = make("progress", "far"), line = make("p", "line"), doing = make("p", "doing");
  box.setAttribute("aria-label", title);
  line.setAttribute("role", "status");
  bar.max = 1; bar.hidden = true;
  bar.setAttribute("aria-label", title);
  box.append(make("p", "title", title), bar, line, doing);
  place.append(box);
  let spoken = 0;
  return {
    box, line,
    say(text, far, quietly) { // a reader with a screen reader hears of progress now and then, of all else at once
      if (far !== undefined) { bar.hidden = false; bar.value = far; }
      const now = Date.now();
      line.setAttribute("aria-live", quietly && now - spoken < 15000 ? "off" : "polite");
      if (!quietly || now - spoken >= 15000) { spoken = now; }
      line.textContent = text;
    },
    offer(...choices) { // [text, what it does, whether it isn't recommended]; the first is, unless it says so
      doing.textContent = "";
      choices.forEach(([text, act, plain], i) => {
        const button = make("button", i || plain ? "else" : "go", text);
        button.type = "button"; button.onclick = act;
        doing.append(button);
      });
    },
    focus() { const first = doing.querySelector("button"); if (first) { first.focus({ preventScroll: true }); } },
    still() { bar.hidden = true; },
    end() { box.remove(); },
  };
}
Object.assign(kit, { size, span, time, fill, make, panel });
