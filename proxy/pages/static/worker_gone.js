// The own store is switched off: a worker that is still out there becomes this, and takes everything away with it.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(
  caches.keys()
    .then((names) => Promise.all(names.filter((name) => /^tropa-/.test(name)).map((name) => caches.delete(name))))
    .then(() => { indexedDB.deleteDatabase("tropa"); return self.registration.unregister(); })
));
